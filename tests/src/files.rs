//! A web server for a folder, on a free loopback port: it stands for upstreams and mirrors, answers HEAD and conditional
//! requests, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The server; it ends with the test's process.
#[derive(Clone)]
pub struct FileServer {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    root: Arc<PathBuf>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FileServer {
    /// Serves what is below `root`.
    pub fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { url, root: Arc::new(root.to_owned()), seen: Arc::default() };
        let shared = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = shared.clone();
                // Whoever hangs up hears nothing.
                thread::spawn(move || drop(server.answer(stream)));
            }
        });
        server
    }

    /// `GET /path`, `HEAD /path`, … since the last time this was asked.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut out = stream;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        let plain = !path.contains("..");
        let Some(body) = plain.then(|| fs::read(self.root.join(path.trim_start_matches('/'))).ok()).flatten() else {
            return write!(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        };
        let tag = format!("\"{}\"", crate::layout::digest(&body));
        if headers.get("if-none-match") == Some(&tag) {
            return write!(out, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
        }
        write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: {tag}\r\nConnection: close\r\n\r\n", body.len())?;
        if method == "HEAD" { Ok(()) } else { out.write_all(&body) }
    }
}
