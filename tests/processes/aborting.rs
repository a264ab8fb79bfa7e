//! A program that is compiled with `panic = "abort"`: it is refused, or it has said that it knows.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

const MANIFEST: &str = r#"
[package]
name = "aborting"
edition = "2024"

[workspace]

[dependencies]
actors-core = { path = "PATH", default-features = false }
tokio = { version = "1", features = ["rt"] }

[profile.dev]
panic = "abort"
debug = false
"#;

/// Says what it is told of an actor that ends in order, and then has one panic.
const MAIN: &str = r#"
use actors_core::{Actor, ActorSystem, messages};

#[derive(Actor)]
struct Crashing;

#[messages]
impl Crashing {
    #[message] fn ping(&self) -> u32 { 7 }
    #[message] fn crash(&self) { panic!("as it was told") }
}

fn main() {
    let accepted = std::env::args().nth(1).is_some();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let system = ActorSystem::builder("aborting");
        let system = if accepted { system.panics_may_abort().build() } else { system.build() };
        let crashing = system.spawn(Crashing);
        println!("answered {}", crashing.ask(Ping).await.unwrap());
        let _ = crashing.ask(Crash).await;
        println!("not reached");
    });
}
"#;

/// Builds the program, once.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (here, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join("aborting"));
        fs::create_dir_all(folder.join("src")).expect("there is a folder for such things");
        let core = here.join("../actors-core");
        fs::write(folder.join("Cargo.toml"), MANIFEST.replace("PATH", &core.to_string_lossy())).expect("it can be written");
        fs::write(folder.join("src/main.rs"), MAIN).expect("it can be written");
        // The versions that are there already.
        fs::copy(here.join("../Cargo.lock"), folder.join("Cargo.lock")).expect("it can be copied");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--offline", "--target-dir", "target"]).current_dir(&folder).env_remove("CARGO_TARGET_DIR");
        let building = thread::spawn(move || cargo.output());
        while !building.is_finished() {
            tests::goes_on();
            thread::sleep(Duration::from_millis(50));
        }
        let built = building.join().expect("it does not panic").expect("cargo can be run");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder.join("target/debug/aborting")
    })
}

fn run(args: &[&str]) -> (Output, String, String) {
    let output = Command::new(program()).args(args).output().expect("it was built");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    (output, said, complained)
}

#[test]
fn a_program_that_aborts_when_it_panics_is_refused_and_told_why() {
    let (output, said, complained) = run(&[]);
    assert_eq!(output.status.signal(), Some(6), "{complained}");
    assert!(complained.contains("system `aborting`: this program aborts when it panics"), "{complained}");
    assert!(complained.contains("panics_may_abort()"), "{complained}");
    assert_eq!(said, "", "nothing has run");
}

#[test]
fn a_program_that_accepts_to_abort_runs_until_an_actor_panics() {
    let (output, said, complained) = run(&["accepted"]);
    assert_eq!(output.status.signal(), Some(6), "{complained}");
    assert_eq!(said, "answered 7\n");
    assert!(complained.contains("as it was told"), "{complained}");
}
