//! Questions to JetStream as an operator's hand asks them, over NATS's text protocol (docs.nats.io, "Client Protocol"): streams
//! listed, deleted, made, filled.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

/// A connection without a login.
pub struct JetStream {
    reader: BufReader<TcpStream>,
}

impl JetStream {
    /// Connects to the server on a loopback port.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        let mut this = Self { reader: BufReader::new(stream) };
        assert!(this.line().starts_with("INFO "));
        this.write(b"CONNECT {\"verbose\":false}\r\nSUB answers 1\r\n");
        this
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("the server answers");
        line
    }

    fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("the server reads");
    }

    /// One message, and the answer to it.
    pub fn request(&mut self, subject: &str, payload: &[u8]) -> Value {
        self.write(format!("PUB {subject} answers {}\r\n", payload.len()).as_bytes());
        self.write(payload);
        self.write(b"\r\n");
        loop {
            let line = self.line();
            if line.starts_with("PING") {
                self.write(b"PONG\r\n");
            } else if let Some(message) = line.strip_prefix("MSG ") {
                let length = message.trim().rsplit(' ').next().and_then(|n| n.parse::<usize>().ok()).expect("a length");
                let mut body = vec![0; length + 2];
                self.reader.read_exact(&mut body).expect("a whole message");
                return serde_json::from_slice(&body[..length]).expect("JSON");
            } else {
                assert!(line.starts_with("INFO "), "{subject}: {line}");
            }
        }
    }

    /// A question to the API.
    pub fn api(&mut self, question: &str, body: &Value) -> Value {
        self.request(&format!("$JS.API.{question}"), body.to_string().as_bytes())
    }

    /// The names of all streams, sorted.
    pub fn streams(&mut self) -> Vec<String> {
        let answer = self.api("STREAM.NAMES", &json!({}));
        let names = answer["streams"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
        let mut names: Vec<String> = names.filter_map(|n| n.as_str().map(str::to_owned)).collect();
        names.sort_unstable();
        names
    }
}
