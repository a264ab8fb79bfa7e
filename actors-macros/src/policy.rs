//! The policy options of `#[actor(...)]`: which there are, and what values they take.

use std::time::Duration;

use syn::parse::ParseStream;
use syn::{Attribute, Error, Ident, Lit, Path, Result};

use crate::args::{Options, expect_value, list_tokens, read_crate, suggestion};
use crate::complaint::Complaints;
use crate::values::{limit, number, period, text};

/// What the `#[actor(...)]` attributes of one type say.
pub(crate) struct PolicyArgs {
    /// Where the framework is found, if that is said.
    pub(crate) krate: Option<Path>,
    pub(crate) settings: Vec<Setting>,
}

/// One field of the policy and the value it was given.
pub(crate) struct Setting {
    pub(crate) field: Ident,
    pub(crate) value: Value,
}

/// A value, as far as it can be checked without knowing the framework's types.
#[derive(Debug, PartialEq)]
pub(crate) enum Value {
    /// A capacity; `None` is unbounded.
    Capacity(Option<u32>),
    /// A variant of an enum at the framework's root.
    Choice(&'static str, &'static str),
    /// A limit; `None` is unlimited.
    Limit(Option<Duration>),
    /// An optional duration; `None` is unlimited.
    Patience(Option<Duration>),
    /// A plain number.
    Count(u32),
    /// A plain duration.
    Period(Duration),
}

/// The kind of value an option takes.
enum Kind {
    Capacity,
    Choice(&'static str, &'static [(&'static str, &'static str)]),
    Limit,
    Patience,
    Count,
    Restarts,
    Period,
}

const OPTIONS: [(&str, Kind); 15] = [
    ("mailbox", Kind::Capacity),
    (
        "overflow",
        Kind::Choice("Overflow", &[("wait", "Wait"), ("reject", "Reject"), ("drop_newest", "DropNewest"), ("drop_oldest", "DropOldest")]),
    ),
    ("stash", Kind::Count),
    ("on_stop", Kind::Choice("OnStop", &[("discard", "Discard"), ("drain", "Drain")])),
    ("in_flight", Kind::Choice("InFlight", &[("finish", "Finish"), ("cancel", "Cancel")])),
    ("stop_limit", Kind::Limit),
    ("start_limit", Kind::Limit),
    ("handler_limit", Kind::Patience),
    ("hook_limit", Kind::Limit),
    ("ask_limit", Kind::Patience),
    ("children", Kind::Choice("Children", &[("in_order", "InOrder"), ("side_by_side", "SideBySide")])),
    ("strategy", Kind::Choice("Strategy", &[("one_for_one", "OneForOne"), ("one_for_all", "OneForAll"), ("rest_for_one", "RestForOne")])),
    ("restarts", Kind::Restarts),
    ("within", Kind::Period),
    (
        "auto_shutdown",
        Kind::Choice("AutoShutdown", &[("never", "Never"), ("any_significant", "AnySignificant"), ("all_significant", "AllSignificant")]),
    ),
];

impl PolicyArgs {
    /// Reads all `#[actor(...)]` attributes; together they give each option at most once.
    pub(crate) fn read(attributes: &[Attribute], complaints: &mut Complaints) -> Self {
        let mut args = PolicyArgs { krate: None, settings: Vec::new() };
        let mut options = Options::new(policy_names().chain(["crate"]));
        options = options.but_not(["open", "size_limit"], "on the impl block: `#[messages(...)]`");
        for attribute in attributes.iter().filter(|a| a.path().is_ident("actor")) {
            let tokens = list_tokens(attribute, complaints);
            options.read(tokens, complaints, |name, input| {
                match OPTIONS.iter().find(|(known, _)| name == known) {
                    Some((_, kind)) => args.settings.push(kind.read(name, input)?),
                    None => args.krate = Some(read_crate(name, input)?),
                }
                Ok(())
            });
        }
        args
    }
}

impl Kind {
    fn read(&self, name: &Ident, input: ParseStream<'_>) -> Result<Setting> {
        expect_value(name, input, &self.example())?;
        let Ok(literal) = input.parse::<Lit>() else {
            return Err(input.error(self.takes(name)));
        };
        let value = match self {
            Kind::Capacity if text(&literal).as_deref() == Some("unbounded") => Value::Capacity(None),
            Kind::Capacity => match number(&literal) {
                Some(capacity @ 1..) => Value::Capacity(Some(capacity)),
                _ => return Err(Error::new(literal.span(), self.takes(name))),
            },
            Kind::Choice(of, choices) => {
                let word = text(&literal);
                let word = word.ok_or_else(|| Error::new(literal.span(), self.takes(name)))?;
                let Some((_, variant)) = choices.iter().find(|(known, _)| *known == word) else {
                    let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
                    let help = suggestion(&word, &known, "\"");
                    let complaint = format!("`{name}` has no choice \"{word}\"{help}");
                    return Err(Error::new(literal.span(), complaint));
                };
                Value::Choice(of, variant)
            }
            Kind::Limit => Value::Limit(limit(&literal)?),
            Kind::Patience => Value::Patience(limit(&literal)?),
            Kind::Restarts if text(&literal).as_deref() == Some("unlimited") => Value::Count(u32::MAX),
            Kind::Count | Kind::Restarts => match number(&literal) {
                Some(count) => Value::Count(count),
                None => return Err(Error::new(literal.span(), self.takes(name))),
            },
            Kind::Period => Value::Period(period(name, &literal)?),
        };
        Ok(Setting { field: name.clone(), value })
    }

    fn example(&self) -> String {
        match self {
            Kind::Capacity => "256".to_owned(),
            Kind::Choice(_, choices) => format!("\"{}\"", choices[1].0),
            Kind::Count | Kind::Restarts => "5".to_owned(),
            Kind::Limit | Kind::Patience | Kind::Period => "\"30s\"".to_owned(),
        }
    }

    /// Says what the option `name` takes.
    fn takes(&self, name: &Ident) -> String {
        match self {
            Kind::Capacity => {
                format!("`{name}` takes how many messages may wait, 1 or more, or \"unbounded\"")
            }
            Kind::Choice(_, choices) => {
                let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
                format!("`{name}` takes one of \"{}\"", known.join("\", \""))
            }
            Kind::Count => format!("`{name}` takes a number, 0 or more"),
            Kind::Restarts => format!("`{name}` takes how many restarts are allowed, 0 or more, or \"unlimited\""),
            Kind::Period => format!("`{name}` takes a duration such as \"30s\""),
            Kind::Limit | Kind::Patience => {
                format!("`{name}` takes a duration such as \"30s\", or \"unlimited\"")
            }
        }
    }
}

/// The names of the options.
pub(crate) fn policy_names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, _)| *name)
}

/// The words that options choose from.
#[cfg(test)]
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    let choices = OPTIONS.iter().filter_map(|(_, kind)| match kind {
        Kind::Choice(_, choices) => Some(*choices),
        _ => None,
    });
    choices.flatten().map(|(word, _)| *word).chain(["unbounded", "unlimited"])
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(attribute: Attribute) -> std::result::Result<Vec<Value>, usize> {
        let mut complaints = Complaints::default();
        let args = PolicyArgs::read(&[attribute], &mut complaints);
        match complaints.len() {
            0 => Ok(args.settings.into_iter().map(|s| s.value).collect()),
            count => Err(count),
        }
    }

    #[test]
    fn durations_are_read_with_their_units() {
        let values = read(parse_quote!(#[actor(stop_limit = "1m 30s", within = "500ms")]));
        let expected = [Value::Limit(Some(Duration::from_secs(90))), Value::Period(Duration::from_millis(500))];
        assert_eq!(values.unwrap(), expected);
    }

    #[test]
    fn the_words_for_no_bound_are_understood() {
        let values = read(parse_quote!(#[actor(
            mailbox = "unbounded",
            hook_limit = "unlimited",
            ask_limit = "unlimited",
            restarts = "unlimited"
        )]));
        let expected = [Value::Capacity(None), Value::Limit(None), Value::Patience(None), Value::Count(u32::MAX)];
        assert_eq!(values.unwrap(), expected);
    }

    #[test]
    fn choices_become_variants() {
        let values = read(parse_quote!(#[actor(overflow = "drop_oldest")]));
        assert_eq!(values.unwrap(), [Value::Choice("Overflow", "DropOldest")]);
    }

    #[test]
    fn each_word_chooses_the_variant_of_its_name() {
        for (option, kind) in OPTIONS {
            let Kind::Choice(_, choices) = kind else { continue };
            for (word, variant) in choices.iter() {
                let spelled: String = word.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
                assert_eq!(spelled, *variant, "`{option} = \"{word}\"`");
            }
        }
    }

    #[test]
    fn each_value_out_of_range_is_one_complaint() {
        let values = read(parse_quote!(#[actor(
            mailbox = 0,
            overflow = "rejct",
            stop_limit = 5,
            start_limit = "30 secnds",
            restarts = -1,
            within = "0s"
        )]));
        assert_eq!(values, Err(6));
    }
}
