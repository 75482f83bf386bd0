//! A proxy that carries TLS by `CONNECT`, and notes whom it was asked for.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// The proxy. It goes on until the process of the tests ends.
pub(in crate::cli) struct Proxy {
    pub(in crate::cli) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(in crate::cli) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || {
                    // Whoever breaks off is no one's mistake here.
                    let _ = carry(stream, &noted);
                });
            }
        });
        Self { url, asked }
    }

    /// Returns the first lines of the requests so far.
    pub(in crate::cli) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn carry(mut client: TcpStream, noted: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    noted
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(first.trim_end().to_owned());
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let Some(host) = first
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_whitespace().next())
    else {
        return client.write_all(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    };
    let mut server = TcpStream::connect(host)?;
    client.write_all(b"HTTP/1.1 200 Go\r\n\r\n")?;
    let (mut back, mut home) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || io::copy(&mut back, &mut home));
    // The client says nothing before it is told to go, so nothing waits in the reader.
    io::copy(&mut client, &mut server)?;
    Ok(())
}
