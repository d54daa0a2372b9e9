//! A network that can be cut: a loopback port that passes everything on to another, until it is reported not to.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// A wire between a port of its own and a server's.
pub struct Proxy {
    /// The port to connect to.
    pub port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    cut: AtomicBool,
    ended: AtomicBool,
    passed: AtomicU64,
    bytes_per_second: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    fn hang_up(&self) {
        for stream in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.ended.store(true, Ordering::Release);
        self.wire.hang_up();
        // The accepting thread sees it at the next connection, which is this one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Proxy {
    /// A proxy in front of a loopback port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let wire = Arc::new(Wire::default());
        let accepting = wire.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.ended.load(Ordering::Acquire) {
                    return;
                }
                if accepting.cut.load(Ordering::Acquire) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                pass(&accepting, &client, &server);
                pass(&accepting, &server, &client);
            }
        });
        Self { port, wire }
    }

    /// Breaks every connection and takes no more.
    pub fn cut(&self) {
        self.wire.cut.store(true, Ordering::Release);
        self.wire.hang_up();
    }

    /// Takes connections again.
    pub fn heal(&self) {
        self.wire.cut.store(false, Ordering::Release);
    }

    /// Lets through about this many bytes a second in each direction of each connection.
    pub fn slow_down(&self, bytes_per_second: u64) {
        self.wire.bytes_per_second.store(bytes_per_second, Ordering::Release);
    }

    /// Bytes that came through, both ways.
    pub fn passed(&self) -> u64 {
        self.wire.passed.load(Ordering::Acquire)
    }
}

fn pass(wire: &Arc<Wire>, from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    let mut open = wire.open.lock().unwrap_or_else(PoisonError::into_inner);
    open.extend([from.try_clone(), to.try_clone()].into_iter().flatten());
    drop(open);
    let wire = wire.clone();
    thread::spawn(move || {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            wire.passed.fetch_add(read as u64, Ordering::AcqRel);
            let speed = wire.bytes_per_second.load(Ordering::Acquire);
            if speed > 0 {
                thread::sleep(Duration::from_secs_f64(read as f64 / speed as f64));
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    });
}
