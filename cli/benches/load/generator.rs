//! The load generator: one thread, connections that are kept, one request at a time on each.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

/// Requests that are sent once before anything is measured.
const WARM: u32 = 2_000;

/// Connections to a server, and what is sent on each.
pub struct Generator {
    poll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    request: Vec<u8>,
}

/// What a time of load came to.
pub struct Measured {
    /// From when a request was due until its answer was there, in seconds, ascending.
    times: Vec<f64>,
    /// How long it took in all.
    pub seconds: f64,
}

struct Connection {
    socket: TcpStream,
    answer: Vec<u8>,
    /// When the request that it waits for was due.
    due: Instant,
}

impl Generator {
    /// Opens the connections, and warms server and connections.
    #[expect(clippy::disallowed_methods, reason = "a caller of the API, from outside")]
    pub fn connect(address: &str, count: usize, request: Vec<u8>) -> Self {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let connections: Vec<Connection> = (0..count)
            .map(|number| {
                let socket = TcpStream::connect(address).unwrap();
                socket.set_nodelay(true).unwrap();
                socket.set_nonblocking(true).unwrap();
                let data = epoll::EventData::new_u64(number as u64);
                epoll::add(&poll, &socket, data, epoll::EventFlags::IN).unwrap();
                Connection { socket, answer: Vec::with_capacity(4096), due: Instant::now() }
            })
            .collect();
        let mut generator = Self { poll, connections, request };
        generator.saturate(|sent, _| sent < WARM);
        generator
    }

    /// As many requests as the server answers: each connection sends its next one when it has its answer.
    pub fn saturated(mut self, time: Duration) -> Measured {
        let start = Instant::now();
        self.saturate(|_, now| now.duration_since(start) < time)
    }

    /// So many requests a second, evenly; one for which no connection is free waits, and its time counts from when it was due.
    pub fn at_rate(mut self, rate: f64, time: Duration) -> Measured {
        let (start, pause) = (Instant::now(), Duration::from_secs_f64(1.0 / rate));
        let (mut next, mut late) = (start, VecDeque::new());
        let mut free: Vec<usize> = (0..self.connections.len()).collect();
        let (mut times, mut ready) = (Vec::new(), Vec::with_capacity(256));
        loop {
            let now = Instant::now();
            while next <= now && next.duration_since(start) < time {
                late.push_back(next);
                next += pause;
            }
            while !late.is_empty()
                && let Some(number) = free.pop()
            {
                self.send(number, late.pop_front().unwrap());
            }
            if next.duration_since(start) >= time && free.len() == self.connections.len() {
                return Measured::of(times, start);
            }
            self.wait(&mut ready, next.saturating_duration_since(Instant::now()).min(Duration::from_millis(5)));
            for number in ready.drain(..) {
                if self.answered(number) {
                    times.push(self.connections[number].due.elapsed().as_secs_f64());
                    free.push(number);
                }
            }
        }
    }

    fn saturate(&mut self, goes_on: impl Fn(u32, Instant) -> bool) -> Measured {
        let start = Instant::now();
        let (mut times, mut ready, mut sent, mut open) = (Vec::new(), Vec::with_capacity(256), 0, 0);
        for number in 0..self.connections.len() {
            self.send(number, start);
            open += 1;
        }
        while open > 0 {
            self.wait(&mut ready, Duration::from_secs(10));
            assert!(!ready.is_empty(), "no answer for ten seconds");
            for number in ready.drain(..) {
                if !self.answered(number) {
                    continue;
                }
                let now = Instant::now();
                times.push(now.duration_since(self.connections[number].due).as_secs_f64());
                sent += 1;
                if goes_on(sent, now) {
                    self.send(number, now);
                } else {
                    open -= 1;
                }
            }
        }
        Measured::of(times, start)
    }

    fn wait(&self, ready: &mut Vec<usize>, longest: Duration) {
        let mut events = Vec::with_capacity(256);
        let longest = Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: longest.subsec_nanos().into() };
        let buffer = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.poll, buffer, Some(&longest)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
        ready.extend(events.iter().map(|event: &epoll::Event| event.data.u64() as usize));
    }

    fn send(&mut self, number: usize, due: Instant) {
        let connection = &mut self.connections[number];
        connection.due = due;
        // A request is smaller than the buffer of a socket that is empty.
        connection.socket.write_all(&self.request).unwrap();
    }

    /// Reads what is there. Is it a whole answer? Anything but 200 ends the benchmark.
    fn answered(&mut self, number: usize) -> bool {
        let Connection { socket, answer, .. } = &mut self.connections[number];
        let mut piece = [0; 16 * 1024];
        match socket.read(&mut piece) {
            Ok(0) => panic!("the server hung up: {}", String::from_utf8_lossy(answer)),
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => panic!("{error}"),
        }
        let Some(head) = answer.windows(4).position(|at| at == b"\r\n\r\n") else { return false };
        let text = std::str::from_utf8(&answer[..head]).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() < head + 4 + length.parse::<usize>().unwrap() {
            return false;
        }
        answer.clear();
        true
    }
}

impl Measured {
    fn of(mut times: Vec<f64>, start: Instant) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        Self { times, seconds: start.elapsed().as_secs_f64() }
    }

    /// How many requests were answered.
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// The time that this part of them did not exceed, in seconds.
    pub fn quantile(&self, part: f64) -> f64 {
        self.times[((self.times.len() - 1) as f64 * part) as usize]
    }
}
