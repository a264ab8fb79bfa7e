//! The options of `#[messages]` itself.

use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::{Error, Ident, Lit, Path, Result};

use crate::args::{Options, default_crate, expect_value, read_crate, read_flag};
use crate::complaint::Complaints;
use crate::policy::policy_names;
use crate::values::{number, text};

/// What the options say.
pub(crate) struct MessagesArgs {
    pub(crate) krate: Path,
    /// How many bytes a message may take that waits without a box.
    pub(crate) size_limit: Option<u32>,
    /// Whether the actor takes messages beside those of its block.
    pub(crate) open: bool,
}

impl MessagesArgs {
    /// A message of this size costs as much to copy as to box, and a mailbox of 256 of them takes 256 KiB.
    const SIZE_LIMIT: u32 = 1024;

    const NAMES: [&str; 3] = ["crate", "size_limit", "open"];

    pub(crate) fn read(tokens: TokenStream, complaints: &mut Complaints) -> Self {
        let mut args = MessagesArgs { krate: default_crate(), size_limit: Some(Self::SIZE_LIMIT), open: false };
        let mut options = Options::new(Self::NAMES).but_not(policy_names(), "on the type: `#[actor(...)]`");
        options.read(tokens, complaints, |name, input| {
            if name == "crate" {
                args.krate = read_crate(name, input)?;
            } else if name == "open" {
                args.open = read_flag(name, input)?;
            } else {
                args.size_limit = read_size(name, input)?;
            }
            Ok(())
        });
        args
    }
}

/// Reads a number of bytes; `None` if there is no limit.
fn read_size(name: &Ident, input: ParseStream<'_>) -> Result<Option<u32>> {
    expect_value(name, input, "4096")?;
    let place = input.span();
    match input.parse::<Lit>() {
        Ok(literal) if text(&literal).as_deref() == Some("unlimited") => Ok(None),
        Ok(literal) if number(&literal).is_some_and(|bytes| bytes > 0) => Ok(number(&literal)),
        _ => Err(Error::new(place, format!("`{name}` takes how many bytes a message may have, 1 or more, or \"unlimited\""))),
    }
}
