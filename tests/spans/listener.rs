//! A subscriber that notes what is said, and in which spans.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// What was heard: texts with the names of the spans around them, from outside in, and the fields of each new span.
#[derive(Clone, Default)]
pub struct Heard {
    texts: Vec<(String, Vec<&'static str>)>,
    spans: Vec<(&'static str, String)>,
    entered: Vec<u64>,
    levels: Vec<Level>,
    follows: Vec<(u64, u64)>,
}

impl Heard {
    /// The spans around each occurrence of a text.
    pub fn around(&self, text: &str) -> Vec<Vec<&'static str>> {
        self.texts.iter().filter(|(said, _)| said == text).map(|(_, around)| around.clone()).collect()
    }

    /// Which spans those of this name follow from.
    pub fn followed_by(&self, name: &str) -> Vec<&'static str> {
        let name_of = |id: u64| self.spans[id as usize - 1].0;
        self.follows.iter().filter(|(span, _)| name_of(*span) == name).map(|(_, follows)| name_of(*follows)).collect()
    }

    /// At which levels something was said that has all these parts in it.
    pub fn levels_of(&self, parts: &[&str]) -> Vec<Level> {
        let said = self.texts.iter().zip(&self.levels);
        said.filter(|((text, _), _)| parts.iter().all(|part| text.contains(part))).map(|(_, level)| *level).collect()
    }

    /// How many spans there were for actors whose path has this in it.
    pub fn spans_of(&self, part: &str) -> usize {
        self.spans.iter().filter(|(name, fields)| *name == "actor" && fields.contains(part)).count()
    }
}

/// Listens on one thread.
#[derive(Clone)]
pub struct Listener {
    level: Level,
    heard: Arc<Mutex<Heard>>,
}

impl Listener {
    /// One that wants to hear everything.
    pub fn of_everything() -> Self {
        Listener { level: Level::TRACE, heard: Arc::default() }
    }

    /// One that wants to hear nothing for each message.
    pub fn without_details() -> Self {
        Listener { level: Level::INFO, heard: Arc::default() }
    }

    /// Listens until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    /// What was heard so far.
    pub fn heard(&self) -> Heard {
        self.note(|heard| heard.clone())
    }

    fn note<R>(&self, note: impl FnOnce(&mut Heard) -> R) -> R {
        note(&mut self.heard.lock().expect("nothing panics here"))
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Text::default();
        span.record(&mut fields);
        self.note(|heard| {
            heard.spans.push((span.metadata().name(), fields.0));
            Id::from_u64(heard.spans.len() as u64)
        })
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.note(|heard| heard.follows.push((span.into_u64(), follows.into_u64())));
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.note(|heard| {
            let around = heard.entered.iter().map(|id| heard.spans[*id as usize - 1].0).collect();
            heard.texts.push((text.0, around));
            heard.levels.push(*event.metadata().level());
        });
    }

    fn enter(&self, span: &Id) {
        self.note(|heard| heard.entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        self.note(|heard| {
            let last = heard.entered.pop();
            assert_eq!(last, Some(span.into_u64()), "spans are left in the reverse order");
        });
    }
}

/// The values of all fields, one after the other.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{value:?}"));
    }
}
