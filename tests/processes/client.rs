//! A chat client that keeps account of what it was promised and what it got.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tests::promptly;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) struct Client {
    pub(crate) name: String,
    to_server: SplitSink<WebSocketStream<TcpStream>, Message>,
    from_server: SplitStream<WebSocketStream<TcpStream>>,
}

/// What one client has to tell when all is over.
pub(crate) struct Account {
    pub(crate) name: String,
    /// The messages that the server has acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// The numbers it heard from each speaker.
    pub(crate) heard: HashMap<String, Vec<u64>>,
    pub(crate) goodbye: Option<(u16, String)>,
}

/// What came from the server.
pub(crate) enum Heard {
    Event(Value),
    Goodbye(u16, String),
    /// The connection is closed.
    Nothing,
}

impl Client {
    /// Connects, and returns once this client is a member of the room.
    pub(crate) async fn enter(address: &str, room: &str, name: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be had");
        Self::enter_by(socket, address, room, name).await
    }

    /// As [`enter`](Self::enter), over a socket that hardly buffers what comes.
    pub(crate) async fn enter_narrow(address: &str, room: &str, name: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be had");
        socket.set_recv_buffer_size(4 * 1024).expect("a buffer can be small");
        Self::enter_by(socket, address, room, name).await
    }

    async fn enter_by(socket: TcpSocket, address: &str, room: &str, name: &str) -> Self {
        let stream = socket.connect(address.parse().expect("an address")).await.expect("the server accepts");
        let (socket, _) = client_async(format!("ws://{address}/ws/{room}?name={name}"), stream).await.expect("the server upgrades");
        let (to_server, from_server) = socket.split();
        let mut client = Client { name: name.to_owned(), to_server, from_server };
        let welcome = client.next_event().await;
        assert_eq!((&welcome["type"], &welcome["you"]), (&Value::from("welcome"), &Value::from(name)));
        client
    }

    /// Sends a message. If the server has said goodbye, the next thing heard tells.
    pub(crate) async fn say(&mut self, id: u64, text: &str) {
        self.send(&format!(r#"{{"type":"say","id":{id},"text":{}}}"#, Value::from(text))).await;
    }

    /// Sends text as it is.
    pub(crate) async fn send(&mut self, text: &str) {
        let _ = self.to_server.send(Message::text(text)).await;
    }

    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            match self.from_server.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Event(serde_json::from_str(&text).expect("the server writes JSON")),
                Some(Ok(Message::Close(frame))) => {
                    let (code, why) = frame.map(|frame| (frame.code.into(), frame.reason.to_string())).unwrap_or_default();
                    return Heard::Goodbye(code, why);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Nothing,
            }
        }
    }

    /// Waits for what the server says next, which is no goodbye.
    pub(crate) async fn next_event(&mut self) -> Value {
        match promptly("the next event", self.next()).await {
            Heard::Event(event) => event,
            Heard::Goodbye(code, why) => panic!("{} got a goodbye: {code} {why}", self.name),
            Heard::Nothing => panic!("{} was cut off", self.name),
        }
    }

    /// Waits for an event of this type, past all others.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next_event().await;
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Listens until the connection is closed, and returns the goodbye.
    pub(crate) async fn until_goodbye(mut self) -> Option<(u16, String)> {
        let mut goodbye = None;
        loop {
            match promptly("the goodbye", self.next()).await {
                Heard::Event(_) => {}
                Heard::Goodbye(code, why) => goodbye = Some((code, why)),
                Heard::Nothing => return goodbye,
            }
        }
    }

    /// Says one number after the other, each when the one before is acknowledged, and counts the acknowledgements in
    /// `progress`, until the server closes the connection.
    pub(crate) async fn count_up(mut self, progress: Arc<AtomicU64>) -> Account {
        let mut account = Account { name: self.name.clone(), acknowledged: Vec::new(), heard: HashMap::new(), goodbye: None };
        self.say(1, "1").await;
        loop {
            let event = match self.next().await {
                Heard::Event(event) => event,
                Heard::Goodbye(code, why) => {
                    account.goodbye = Some((code, why));
                    continue;
                }
                Heard::Nothing => return account,
            };
            match event["type"].as_str() {
                Some("line") => {
                    let from = event["from"].as_str().expect("a line has a speaker");
                    let number = event["text"].as_str().and_then(|text| text.parse().ok()).expect("only numbers are said");
                    account.heard.entry(from.to_owned()).or_default().push(number);
                }
                Some("ack") => {
                    let id = event["id"].as_u64().expect("an acknowledgement has an id");
                    account.acknowledged.push(id);
                    progress.fetch_add(1, Ordering::Relaxed);
                    self.say(id + 1, &(id + 1).to_string()).await;
                }
                _ => {}
            }
        }
    }
}
