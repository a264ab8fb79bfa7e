//! What a system is called has nothing to do with how it ends.

use actors_core::ActorSystem;
use tests::promptly;

#[tokio::test]
async fn a_system_hears_signals_whatever_it_is_called() {
    for name in ["\0", "with\0in"] {
        let system = ActorSystem::builder(name).handle_signals().build();
        assert!(promptly("the report", system.shutdown()).await.is_clean());
    }
}

#[tokio::test]
async fn a_system_shuts_down_whatever_it_is_called() {
    for name in ["", "\0", "with\0in", "a name that is longer than that of any thread may be, by far"] {
        let system = ActorSystem::new(name);

        let report = promptly("the report", system.shutdown()).await;

        assert_eq!((report.is_clean(), &*report.system), (true, name), "{report}");
    }
}
