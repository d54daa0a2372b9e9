//! A small HTTP server that stands for the upstreams and misbehaves as it is reported.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What a path answers.
#[derive(Clone, Default)]
pub(crate) struct Page {
    /// The body.
    pub(crate) body: Vec<u8>,
    /// An ETag; with it conditional requests and ranges are answered.
    pub(crate) etag: Option<String>,
    /// Statuses to answer first, each once, with a Retry-After where there is one.
    pub(crate) first: Vec<(u16, Option<u32>)>,
    /// Send only so many bytes of what was declared, each once.
    pub(crate) cuts: Vec<usize>,
    /// The content type.
    pub(crate) kind: Option<String>,
    /// When it last changed, as HTTP says it.
    pub(crate) modified: Option<String>,
    /// Answer once it is let go by [`Server::release`].
    pub(crate) held: bool,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, pages: Arc::default(), seen: Arc::default() };
        let shared = server.clone();
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = shared.clone();
                thread::spawn(move || drop(server.answer(stream)));
            }
        });
        server
    }

    pub(crate) fn page(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// What is held is answered, and `path` is held no more.
    pub(crate) fn release(&self, path: &str) {
        self.pages.lock().unwrap().get_mut(path).unwrap().held = false;
    }

    pub(crate) fn text(&self, path: &str, body: &str) {
        self.page(path, Page { body: body.into(), etag: Some(etag(body.as_bytes())), ..Page::default() });
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|s| s.path == path).cloned().collect()
    }

    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut out = stream;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        self.seen.lock().unwrap().push(Seen { path: path.clone(), headers: headers.clone() });
        let (page, status, cut) = {
            let mut pages = self.pages.lock().unwrap();
            let Some(page) = pages.get_mut(&path) else {
                return write!(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            };
            let status = (!page.first.is_empty()).then(|| page.first.remove(0));
            let cut = (status.is_none() && !page.cuts.is_empty()).then(|| page.cuts.remove(0));
            (page.clone(), status, cut)
        };
        while page.held && self.pages.lock().unwrap().get(&path).is_some_and(|page| page.held) {
            thread::sleep(Duration::from_millis(5));
        }
        if let Some((status, retry)) = status {
            let retry = retry.map(|r| format!("Retry-After: {r}\r\n")).unwrap_or_default();
            return write!(out, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\n{retry}Connection: close\r\n\r\n");
        }
        let tag = page.etag.as_deref();
        if tag.is_some() && headers.get("if-none-match").map(String::as_str) == tag {
            return write!(out, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
        }
        let from = headers
            .get("range")
            .filter(|_| tag.is_some() && headers.get("if-range").map(String::as_str) == tag)
            .and_then(|r| r.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
        let (line, body) = match from {
            Some(from) => {
                let len = page.body.len();
                (format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{len}", len - 1), &page.body[from..])
            }
            None => ("200 OK".to_owned(), &page.body[..]),
        };
        let tag = tag.map(|t| format!("ETag: {t}\r\n")).unwrap_or_default();
        let kind = page.kind.map(|k| format!("Content-Type: {k}\r\n")).unwrap_or_default();
        let modified = page.modified.map(|m| format!("Last-Modified: {m}\r\n")).unwrap_or_default();
        write!(
            out,
            "HTTP/1.1 {line}\r\nContent-Length: {}\r\n{tag}{kind}{modified}Connection: close\r\n\r\n",
            body.len()
        )?;
        out.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])
    }
}

/// A strong tag of a body.
pub(crate) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", layergate_model::Digest::of(body).to_hex())
}
