//! The values of options, as literals: texts, numbers, durations.

use std::time::Duration;

use syn::{Error, Ident, Lit, Result};

/// What a literal says, if it is text.
pub(crate) fn text(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}

/// What a literal says, if it is a number that is not negative.
pub(crate) fn number(literal: &Lit) -> Option<u32> {
    match literal {
        Lit::Int(number) if number.suffix().is_empty() => number.base10_parse().ok(),
        _ => None,
    }
}

pub(crate) fn limit(literal: &Lit) -> Result<Option<Duration>> {
    if text(literal).as_deref() == Some("unlimited") {
        return Ok(None);
    }
    duration(literal).map(Some)
}

/// Reads a duration that is written as text.
pub(crate) fn duration(literal: &Lit) -> Result<Duration> {
    const EXAMPLES: &str = "not a duration; examples: \"500ms\", \"30s\", \"5m\"";
    let text = text(literal).ok_or_else(|| Error::new(literal.span(), EXAMPLES))?;
    humantime::parse_duration(&text).map_err(|_| Error::new(literal.span(), EXAMPLES))
}

/// Reads the duration `name`, which is longer than none.
pub(crate) fn period(name: &Ident, literal: &Lit) -> Result<Duration> {
    match duration(literal)? {
        Duration::ZERO => Err(Error::new(literal.span(), format!("`{name}` must be longer than no time at all"))),
        period => Ok(period),
    }
}
