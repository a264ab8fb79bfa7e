//! A reader and a writer that share their fate, with the cleanup run once.
//!
//! ```go
//! var once sync.Once
//! cleanup := func() { once.Do(func() { conn.Close(); room.Leave(id) }) }
//! go func() { defer cleanup(); readLoop(conn) }()         // the other must be unblocked by closing the connection
//! go func() { defer cleanup(); writeLoop(conn, out) }()   // or by closing out, but never by both
//! ```
//!
//! Here both are members of a peer group: whichever ends first, and however it ends, the other is stopped, and when both have
//! ended the cleanup runs, once. The session that opened the group ends with it.

use std::io;

use actors_core::{Actor, ActorRef, ActorSystem, Context, ExitReason, GroupReport, messages};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc::UnboundedSender;

#[derive(Actor)]
struct Session {
    socket: Option<DuplexStream>,
    left: UnboundedSender<GroupReport>,
}

#[messages]
impl Session {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let (source, sink) = split(self.socket.take().expect("opened once"));
        let left = self.left.clone();
        let fate = ctx.peer_group("session");
        fate.on_end(move |report| left.send(report).expect("somebody waits for it"));
        let writer = fate.spawn_with(Writer { sink }, |writer| writer.name("writer"));
        fate.spawn_with(Reader { source: Some(source), writer }, |reader| reader.name("reader"));
    }
}

#[derive(Actor)]
struct Reader {
    source: Option<ReadHalf<DuplexStream>>,
    writer: ActorRef<Writer>,
}

#[messages]
impl Reader {
    #[started]
    fn read(&mut self, ctx: &mut Context<Self>) {
        let mut lines = BufReader::new(self.source.take().expect("started once")).lines();
        let (me, writer) = (ctx.actor_ref().clone(), self.writer.clone());
        ctx.spawn_task(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if writer.tell(Write { line }).await.is_err() {
                    break;
                }
            }
            me.stop(); // the client has hung up
        });
    }
}

#[derive(Actor)]
struct Writer {
    sink: WriteHalf<DuplexStream>,
}

#[messages]
impl Writer {
    #[message]
    async fn write(&mut self, line: String) -> io::Result<()> {
        self.sink.write_all(format!("echo: {line}\n").as_bytes()).await
    }
}

pub async fn run(system: &ActorSystem) {
    let (left, mut cleanups) = tokio::sync::mpsc::unbounded_channel();

    // The client hangs up: the reader ends first.
    let (client, server) = tokio::io::duplex(64);
    let session = system.spawn(Session { socket: Some(server), left: left.clone() });
    let mut client = BufReader::new(client);
    client.write_all(b"hello\n").await.unwrap();
    let mut answer = String::new();
    client.read_line(&mut answer).await.unwrap();
    assert_eq!(answer, "echo: hello\n");
    drop(client);
    assert_eq!(session.stopped().await, ExitReason::Normal);
    tell("the client hung up", &cleanups.recv().await.unwrap());

    // The writer is killed: it ends first, and not well.
    let (_client, server) = tokio::io::duplex(64);
    let session = system.actor(Session { socket: Some(server), left }).name("session").start().await.unwrap();
    system.lookup::<Writer>("/session/writer").unwrap().kill();
    assert!(matches!(session.stopped().await, ExitReason::LinkDown { .. }));
    tell("the writer was killed", &cleanups.recv().await.unwrap());

    drop(session);
    assert!(cleanups.recv().await.is_none(), "each cleanup ran once");
}

fn tell(what: &str, report: &GroupReport) {
    assert_eq!(report.members.len(), 2);
    let (first, reason) = &report.first;
    println!("   {what}: first to end was {first} ({reason}), and the cleanup of both ran once");
}
