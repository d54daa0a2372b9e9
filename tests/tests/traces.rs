//! Traces of a fleet: an OTLP receiver (HTTP, protobuf) gets the spans of coordinator and worker, and one job is one trace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use layergate_tests::{fleet::Fleet, layout::Image, program::fixture, recipe::Recipe};

/// A span as far as the test reads it: its trace and its name.
type Spans = Arc<Mutex<Vec<(Vec<u8>, String)>>>;

/// The fields of a protobuf message with their bytes (wire type 2); numbers are passed over.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn number(message: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (byte, rest) = message.split_first().expect("a whole number");
            *message = rest;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message);
        match tag & 7 {
            0 => drop(number(&mut message)),
            1 => message = &message[8..],
            5 => message = &message[4..],
            2 => {
                let length = number(&mut message) as usize;
                let (bytes, rest) = message.split_at(length);
                found.push((tag >> 3, bytes));
                message = rest;
            }
            other => panic!("wire type {other}"),
        }
    }
    found
}

fn below(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(number, _)| *number == field).map(|(_, bytes)| bytes)
}

/// `ExportTraceServiceRequest` (opentelemetry-proto): resource_spans 1, scope_spans 2, spans 2; trace_id 1, name 5.
fn spans(request: &[u8]) -> Vec<(Vec<u8>, String)> {
    let scopes = below(request, 1).flat_map(|resource| below(resource, 2).collect::<Vec<_>>());
    let spans = scopes.flat_map(|scope| below(scope, 2).collect::<Vec<_>>());
    let read = |span| {
        let trace = below(span, 1).next().unwrap_or_default().to_vec();
        (trace, String::from_utf8_lossy(below(span, 5).next().unwrap_or_default()).into_owned())
    };
    spans.map(read).collect()
}

fn answer(stream: TcpStream, kept: &Spans) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        assert!(line.starts_with("POST /v1/traces "), "{line}");
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        kept.lock().unwrap().extend(spans(&body));
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn receiver() -> (String, Spans) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, kept) = (format!("http://{}", listener.local_addr().unwrap()), Spans::default());
    let keeping = kept.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let kept = keeping.clone();
            // A process that ends cuts its connection.
            std::thread::spawn(move || answer(stream.unwrap(), &kept).ok());
        }
    });
    (address, kept)
}

#[test]
fn one_job_is_one_trace_through_coordinator_and_worker() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let (endpoint, kept) = receiver();
    let recipe = Recipe::read(fixture("recipes/shop.toml").as_ref()).unwrap();
    let image = fleet.push("team/shop", "1", &Image::build(&recipe).unwrap());
    let mut coordinator = fleet.coordinator(0, &["--otlp", &endpoint]);
    let mut worker = fleet.worker(0, &["--otlp", &endpoint]);
    fleet.ready(&[&coordinator]);
    let (run, _) = fleet.scan(&image, &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);

    // What waits is sent when they end.
    coordinator.terminate();
    worker.terminate();
    let patience = Duration::from_secs(60);
    assert!(worker.ended(patience).is_some_and(|s| s.success()), "{}", worker.log());
    assert!(coordinator.ended(patience).is_some_and(|s| s.success()), "{}", coordinator.log());
    let end = Instant::now() + Duration::from_secs(60);
    let named = |name: &str| -> Vec<Vec<u8>> {
        let kept = kept.lock().unwrap();
        kept.iter().filter(|(_, n)| n == name).map(|(trace, _)| trace.clone()).collect()
    };
    while (named("job").is_empty() || named("layer").is_empty()) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (jobs, layers) = (named("job"), named("layer"));
    let names: BTreeSet<String> = kept.lock().unwrap().iter().map(|(_, name)| name.clone()).collect();
    assert_eq!(jobs.len(), 1, "spans: {names:?}; {}", coordinator.log());
    assert_eq!(layers.len(), 3, "spans: {names:?}; {}", worker.log());
    assert!(layers.iter().all(|trace| *trace == jobs[0]), "the layers' spans are of other traces than the job's");
    for log in [coordinator.log(), worker.log()] {
        assert!(!log.contains("panicked"), "{log}");
    }
}
