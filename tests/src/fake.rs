//! A server that answers as a test says, on a free loopback port, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// As it stands in the first line: a path, or a whole URL to a proxy.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// Status, headers and body.
pub type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// The server; it ends with the test's process.
#[derive(Clone)]
pub struct Fake {
    /// Its port.
    pub port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers by `answer`, which is reported the port too.
    pub fn start(answer: impl Fn(&Asked, u16) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let fake = Self { port, seen: Arc::default() };
        let (seen, answer) = (fake.seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (seen.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(asked) = read(&stream) else { return };
                    let (status, headers, body) = answer(&asked, port);
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
                    let mut head =
                        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
                    for (name, value) in headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    let mut out = stream;
                    // Whoever hangs up hears nothing.
                    let _ = out
                        .write_all(head.as_bytes())
                        .and_then(|()| out.write_all(b"\r\n"))
                        .and_then(|()| out.write_all(&body));
                });
            }
        });
        fake
    }

    /// Everything that was asked since the last time.
    pub fn seen(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut asked = Asked { method: words.next()?, target: words.next()?, ..Asked::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: u64 = asked.headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut asked.body).ok()?;
    Some(asked)
}
