//! A client that does as little as one can: it sends what it is told, and takes what comes.

use std::error::Error;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A request, as it goes over the wire.
pub(crate) struct Ask {
    pub(crate) bytes: Vec<u8>,
}

impl Ask {
    /// A request with a token that an emulator takes; `target` is path and query.
    pub(crate) fn new(method: &str, target: String, body: Option<String>) -> Self {
        let body = body.unwrap_or_default();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer x\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self {
            bytes: [head.into_bytes(), body.into_bytes()].concat(),
        }
    }
}

/// Follows a list from page to page, and returns how many there were.
pub(crate) fn walk(authority: &str, first: &str) -> Outcome<usize> {
    let mut to = TcpStream::connect(authority)?;
    to.set_nodelay(true)?;
    let mut from = BufReader::new(to.try_clone()?);
    let mut next = Some(first.to_owned());
    let mut pages = 0;
    while let Some(target) = next {
        to.write_all(&Ask::new("GET", target, None).bytes)?;
        next = next_link(&answer(&mut from)?);
        pages += 1;
    }
    Ok(pages)
}

/// Reads one answer, which has to be a good one, and returns its body.
pub(crate) fn answer(from: &mut impl BufRead) -> Outcome<Vec<u8>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(format!("the emulator answered `{}`", line.trim()).into());
    }
    let mut length = 0;
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(body)
}

/// Finds a page's next link without parsing the page, which would cost more than serving it.
pub(crate) fn next_link(body: &[u8]) -> Option<String> {
    const KEY: &str = "\"@odata.nextLink\":\"http://sandbox";
    let head = body.get(..body.len().min(2000))?;
    let head = String::from_utf8_lossy(head);
    let from = head.find(KEY)? + KEY.len();
    let rest = head.get(from..)?;
    Some(rest.get(..rest.find('"')?)?.to_owned())
}
