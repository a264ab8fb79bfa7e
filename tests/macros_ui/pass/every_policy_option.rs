//! Every option of `#[actor(...)]`, and every value that a word stands for.

use std::time::Duration;

use actors_core::{Actor, AutoShutdown, Capacity, Children, InFlight, Limit, OnStop, Overflow, Policy, Strategy, messages};

macro_rules! actor {
    ($name:ident, $message:ident, $(#[$policy:meta])*) => {
        #[derive(Actor)]
        $(#[$policy])*
        #[allow(dead_code)]
        struct $name;

        #[messages]
        impl $name {
            #[message]
            fn $message(&self) {}
        }
    };
}

actor!(Default, a,);
actor!(
    Numbers, b,
    #[actor(mailbox = 16, overflow = "reject", stash = 8, on_stop = "drain", in_flight = "cancel")]
    #[actor(stop_limit = "1m 30s", start_limit = "500ms", handler_limit = "4s", hook_limit = "2s", ask_limit = "3s")]
    #[actor(children = "side_by_side", strategy = "one_for_all", restarts = 0, within = "30s", auto_shutdown = "all_significant", crate = actors_core)]
);
actor!(
    Words, c,
    #[actor(mailbox = "unbounded", overflow = "wait", on_stop = "discard", in_flight = "finish")]
    #[actor(stop_limit = "unlimited", start_limit = "unlimited", handler_limit = "unlimited", hook_limit = "unlimited", ask_limit = "unlimited",)]
    #[actor(children = "in_order", strategy = "one_for_one", restarts = 5, auto_shutdown = "never")]
    #[actor()]
);
actor!(Newest, d, #[actor(overflow = "drop_newest", stash = 0, strategy = "rest_for_one", restarts = "unlimited", auto_shutdown = "any_significant")]);
actor!(Oldest, e, #[actor(overflow = "drop_oldest")]);

#[test]
fn runs() {
    assert_eq!(<Default as Actor>::POLICY, Policy::DEFAULT);
    let numbers = Policy {
        mailbox: Capacity::Bounded(16),
        overflow: Overflow::Reject,
        stash: 8,
        on_stop: OnStop::Drain,
        in_flight: InFlight::Cancel,
        stop_limit: Limit::After(Duration::from_secs(90)),
        start_limit: Limit::After(Duration::from_millis(500)),
        handler_limit: Some(Duration::from_secs(4)),
        hook_limit: Limit::After(Duration::from_secs(2)),
        ask_limit: Some(Duration::from_secs(3)),
        children: Children::SideBySide,
        strategy: Strategy::OneForAll,
        restarts: 0,
        within: Duration::from_secs(30),
        auto_shutdown: AutoShutdown::AllSignificant,
    };
    assert_eq!(<Numbers as Actor>::POLICY, numbers);
    let words = Policy {
        mailbox: Capacity::Unbounded,
        stop_limit: Limit::Unlimited,
        start_limit: Limit::Unlimited,
        hook_limit: Limit::Unlimited,
        restarts: 5,
        ..Policy::DEFAULT
    };
    assert_eq!(<Words as Actor>::POLICY, words);
    assert_eq!(<Newest as Actor>::POLICY.overflow, Overflow::DropNewest);
    assert_eq!(<Newest as Actor>::POLICY.stash, 0);
    assert_eq!(<Newest as Actor>::POLICY.strategy, Strategy::RestForOne);
    assert_eq!(<Newest as Actor>::POLICY.restarts, Policy::UNLIMITED);
    assert_eq!(<Newest as Actor>::POLICY.auto_shutdown, AutoShutdown::AnySignificant);
    assert_eq!(<Oldest as Actor>::POLICY.overflow, Overflow::DropOldest);
}
