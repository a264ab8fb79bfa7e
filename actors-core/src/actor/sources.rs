//! The sources of an actor, as its context keeps them: taken in, looked at in turn, dropped.

use super::context::Context;
use super::source::{Entry, Found, Inactivity, Name, Source, Sources};
use crate::address::Protocol;
use crate::lifecycle::event::SourceKey;
use crate::lifecycle::exit::ExitReason;
use crate::sync::Mutex;

impl<A: Protocol> Context<A> {
    /// Takes a source in. An actor that was asked to end takes none, and drops it.
    pub(super) fn add_source(&mut self, source: impl Source<A::Msg> + 'static) -> SourceKey {
        let me = self.any();
        let key = me.env().next_source();
        if me.core().is_stopping() {
            return key;
        }
        let mut entry = Entry::new(&me, key, source);
        entry.with(|source, cx| source.arm(cx));
        let sources = self.sources.get_or_insert_with(|| Box::new(Mutex::new(Sources::default())));
        sources.get().table.insert(key, entry);
        key
    }

    /// Takes a source in that replaces the one of the same name.
    pub(super) fn add_named_source(&mut self, name: Name, source: impl Source<A::Msg> + 'static) -> SourceKey {
        self.remove_named_source(&name);
        let key = self.add_source(source);
        if let Some(sources) = self.sources() {
            if let Some(entry) = sources.table.get_mut(&key) {
                entry.name = Some(name.clone());
                sources.names.insert(name, key);
            }
        }
        key
    }

    /// Takes the inactivity timeout in, which replaces the one there was.
    pub(super) fn add_inactivity_source(&mut self, source: impl Source<A::Msg> + 'static) {
        self.remove_inactivity_source();
        let key = self.add_source(source);
        if let Some(sources) = self.sources().filter(|sources| sources.table.contains_key(&key)) {
            sources.inactivity = Some(Inactivity { key, except: Vec::new() });
        }
    }

    /// Has messages with this tag not put the inactivity timeout off.
    pub(super) fn except_from_activity(&mut self, tag: u16) {
        if let Some(inactivity) = self.sources().and_then(|sources| sources.inactivity.as_mut()) {
            inactivity.except.push(tag);
        }
    }

    /// Drops a source, of which nothing is handled afterwards. Says whether it was there.
    pub(super) fn remove_source(&mut self, key: SourceKey) -> bool {
        let Some(entry) = self.sources().and_then(|sources| sources.take(key)) else { return false };
        if entry.is_posted() {
            // It would find nothing; but who replaces a timer again and again shall not pile up what it left.
            self.any().core().with_ties(|ties| ties.forget_events(|event| event.is_ready(key)));
        }
        true
    }

    pub(super) fn remove_named_source(&mut self, name: &str) -> bool {
        let key = self.sources().and_then(|sources| sources.names.get(name).copied());
        key.is_some_and(|key| self.remove_source(key))
    }

    pub(super) fn remove_inactivity_source(&mut self) -> bool {
        let inactivity = self.sources().and_then(|sources| sources.inactivity.take());
        inactivity.is_some_and(|inactivity| self.remove_source(inactivity.key))
    }

    pub(super) fn has_named_source(&mut self, name: &str) -> bool {
        self.sources().is_some_and(|sources| sources.names.contains_key(name))
    }

    /// Looks for a message of a source. One that has no more is dropped first.
    ///
    /// # Errors
    /// The source has panicked.
    pub(crate) fn poll_source(&mut self, key: SourceKey) -> Result<Option<Found<A::Msg>>, ExitReason> {
        match &mut self.sources {
            Some(sources) => sources.poll(key),
            None => Ok(None),
        }
    }

    /// The message of this source has been handled.
    ///
    /// # Errors
    /// The source has panicked.
    pub(crate) fn rearm_source(&mut self, key: SourceKey) -> Result<(), ExitReason> {
        match &mut self.sources {
            Some(sources) => sources.rearm(key),
            None => Ok(()),
        }
    }

    /// Whether there may be sources. Asked after every message, so it is one look at one pointer.
    pub(crate) fn has_sources(&self) -> bool {
        self.sources.is_some()
    }

    /// A message with this tag has been handled that came from outside.
    pub(crate) fn note_activity(&mut self, tag: u16) {
        if let Some(sources) = &mut self.sources {
            sources.note_activity(tag);
        }
    }

    /// Drops all sources. Panics in destructors come back.
    pub(crate) fn drop_sources(&mut self) -> Vec<ExitReason> {
        match self.sources.take() {
            Some(sources) => sources.drop_all(),
            None => Vec::new(),
        }
    }

    fn sources(&mut self) -> Option<&mut Sources<A::Msg>> {
        self.sources.as_mut().map(|sources| sources.get())
    }
}
