//! The demo: brings clients of its own over real sockets, shuts down while they talk, and counts what reached whom.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actors_core::{ActorSystem, ShutdownReport};
use futures_util::future::try_join_all;
use futures_util::stream::{self, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::args::Demo;
use crate::protocol::{FromClient, ToClient};

/// How many share a room.
const MEMBERS: usize = 20;

/// Lets the clients talk for a while, shuts the server down under them, and prints what they make of it.
pub async fn run(system: &ActorSystem, address: SocketAddr, demo: Demo) -> ShutdownReport {
    let (report, tallies, time) = match connect(address, demo.clients).await {
        Ok(clients) => {
            let rooms = demo.clients.div_ceil(MEMBERS);
            println!("demo: {} clients in {rooms} rooms of up to {MEMBERS} talk for {:?}", demo.clients, demo.time);
            let began = Instant::now();
            let talking: Vec<_> = clients.into_iter().map(|client| tokio::spawn(client.talk())).collect();
            tokio::select! {
                () = tokio::time::sleep(demo.time) => {}
                // A signal is as good.
                _ = system.terminated() => {}
            }
            // They go on talking: what is acknowledged from here on counts as well.
            let report = system.shutdown().await;
            let time = began.elapsed();
            let tallies = try_join_all(talking).await.expect("a client does not panic");
            (report, tallies, time)
        }
        Err(error) => {
            println!("demo: a client could not connect: {error}");
            (system.shutdown().await, Vec::new(), Duration::ZERO)
        }
    };
    let all_is_well = sum_up(&tallies, time) && tallies.len() == demo.clients;
    if !all_is_well {
        eprintln!("{report}");
        std::process::exit(1);
    }
    report
}

/// Connects all, some at a time. When this returns, every room is complete and nobody has said anything.
async fn connect(address: SocketAddr, clients: usize) -> Result<Vec<Client>, Error> {
    stream::iter(0..clients).map(|number| Client::connect(address, number)).buffer_unordered(64).try_collect().await
}

struct Client {
    name: String,
    room: String,
    to_server: SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>,
    from_server: SplitStream<WebSocketStream<MaybeTlsStream<TcpStream>>>,
}

/// What one client has to tell when all is over.
struct Tally {
    name: String,
    room: String,
    sent: u64,
    acknowledged: Vec<u64>,
    /// What it heard, by speaker: the numbers that the speakers themselves put into their messages.
    heard: HashMap<String, Vec<u64>>,
    goodbye: Option<u16>,
}

impl Client {
    async fn connect(address: SocketAddr, number: usize) -> Result<Self, Error> {
        let (name, room) = (format!("client-{number}"), format!("room-{}", number / MEMBERS));
        let (socket, _) = connect_async(format!("ws://{address}/ws/{room}?name={name}")).await?;
        let (to_server, mut from_server) = socket.split();
        // The server's first word comes once this client is a member.
        from_server.next().await.ok_or(Error::ConnectionClosed)??;
        Ok(Client { name, room, to_server, from_server })
    }

    /// Says something, says more as soon as it is acknowledged, and listens all the while, until the server says goodbye.
    async fn talk(mut self) -> Tally {
        let mut tally = Tally {
            name: self.name.clone(),
            room: self.room.clone(),
            sent: 0,
            acknowledged: Vec::new(),
            heard: HashMap::new(),
            goodbye: None,
        };
        self.say(&mut tally).await;
        while let Some(Ok(frame)) = self.from_server.next().await {
            match frame {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(ToClient::Line { from, text, .. }) => {
                        let number = text.parse().expect("the clients of the demo say numbers");
                        match tally.heard.get_mut(&from) {
                            Some(heard) => heard.push(number),
                            None => drop(tally.heard.insert(from, vec![number])),
                        }
                    }
                    Ok(ToClient::Ack { id, .. }) => {
                        tally.acknowledged.push(id);
                        self.say(&mut tally).await;
                    }
                    _ => {}
                },
                Message::Close(frame) => tally.goodbye = frame.map(|frame| frame.code.into()),
                _ => {}
            }
        }
        tally
    }

    async fn say(&mut self, tally: &mut Tally) {
        tally.sent += 1;
        let say = FromClient::Say { id: tally.sent, text: tally.sent.to_string() };
        let text = serde_json::to_string(&say).expect("plain data can be written");
        // If the server has said goodbye, the next read will tell.
        let _ = self.to_server.send(Message::text(text)).await;
    }
}

/// Holds what everybody heard against what everybody else was promised. Tells whether all is well.
fn sum_up(tallies: &[Tally], time: Duration) -> bool {
    let mut rooms: HashMap<&str, Vec<&Tally>> = HashMap::new();
    for tally in tallies {
        rooms.entry(&tally.room).or_default().push(tally);
    }
    let (mut lost, mut out_of_order) = (0, 0);
    for members in rooms.values() {
        for speaker in members {
            for listener in members {
                let heard = listener.heard.get(&speaker.name).map_or(&[][..], Vec::as_slice);
                out_of_order += heard.windows(2).filter(|pair| pair[0] >= pair[1]).count();
                let heard: HashSet<u64> = heard.iter().copied().collect();
                lost += speaker.acknowledged.iter().filter(|number| !heard.contains(number)).count();
            }
        }
    }
    let sent: u64 = tallies.iter().map(|tally| tally.sent).sum();
    let acknowledged: usize = tallies.iter().map(|tally| tally.acknowledged.len()).sum();
    let delivered: usize = tallies.iter().flat_map(|tally| tally.heard.values()).map(Vec::len).sum();
    let goodbyes = tallies.iter().filter(|tally| tally.goodbye == Some(1001)).count();
    let rate = |count: usize| (count as f64 / time.as_secs_f64().max(0.001)) as u64;
    println!("  sent          {sent:>10}");
    println!("  acknowledged  {acknowledged:>10}   {:>8} a second", rate(acknowledged));
    println!("  delivered     {delivered:>10}   {:>8} a second", rate(delivered));
    println!("  lost          {lost:>10}   of those acknowledged, counted at every member");
    println!("  out of order  {out_of_order:>10}");
    println!("  goodbyes      {goodbyes:>10}   of {} clients, with close code 1001", tallies.len());
    lost == 0 && out_of_order == 0 && goodbyes == tallies.len()
}
