//! Dead letters as messages: the topic on which the system publishes them.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use super::topic::Topic;
use crate::lifecycle::dead_letter::DeadLetter;
use crate::system::ActorSystem;

thread_local! {
    /// A dead letter is being published on this thread.
    static PUBLISHING: Cell<bool> = const { Cell::new(false) };
}

#[derive(Default)]
struct DeadLetterTopic(OnceLock<Topic<Arc<DeadLetter>>>);

impl ActorSystem {
    /// Returns the topic on which the system publishes its dead letters, for actors that want them as messages.
    ///
    /// A dead letter that a listener was sent and did not handle is counted and told nobody, and so is one that comes about
    /// while another is being published: listeners beget no letters without end.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use actors_core::{messages, Actor, ActorSystem, DeadLetter};
    ///
    /// #[derive(Actor)] struct Undertaker { buried: Vec<String> }
    /// #[messages]
    /// impl Undertaker {
    ///     #[handle] fn bury(&mut self, letter: Arc<DeadLetter>) { self.buried.push(letter.message_type().to_owned()) }
    ///     #[message] fn buried(&self) -> Vec<String> { self.buried.clone() }
    /// }
    /// # #[derive(Actor)] struct Clerk;
    /// # #[messages] impl Clerk { #[message] fn file(&self) {} }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = ActorSystem::new("office");
    /// let undertaker = system.spawn(Undertaker { buried: Vec::new() });
    /// system.dead_letter_topic().subscribe(&undertaker);
    ///
    /// let clerk = system.spawn(Clerk);
    /// clerk.tell(File).await.unwrap();
    /// clerk.kill();
    /// clerk.stopped().await;
    /// assert_eq!(undertaker.ask(Buried).await.unwrap(), ["File"]);
    /// # system.shutdown().await; }
    /// ```
    pub fn dead_letter_topic(&self) -> Topic<Arc<DeadLetter>> {
        let topic = self.env().slots.get::<DeadLetterTopic>().0.get_or_init(|| Topic::fixed("dead letters")).clone();
        let publisher = topic.clone();
        self.env().dead_letters.call_with(|| Box::new(move |letter| publish(&publisher, letter)));
        topic
    }
}

fn publish(topic: &Topic<Arc<DeadLetter>>, letter: &Arc<DeadLetter>) {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            PUBLISHING.set(false);
        }
    }
    if PUBLISHING.replace(true) {
        return;
    }
    let _over = Over;
    topic.publish(letter.clone());
}
