//! The Graph URL, and which links may be followed.

use url::Url;

use crate::net::{AddressError, Cloud, secure_url};
use crate::text::shown_url;

/// The Graph URL, with its version: `https://graph.microsoft.com/beta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphUrl(Url);

impl GraphUrl {
    /// Reads a Graph URL and checks that a token may be sent to it.
    ///
    /// # Errors
    ///
    /// Refuses what is not https, unless it is http to a loopback address, and what has no version.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let mut url = secure_url(text)?;
        if url.path().trim_matches('/').is_empty() {
            return Err(AddressError::NoVersion(shown_url(text)));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Returns the address of the sandbox inside the process. No socket is behind it.
    pub fn in_process() -> Self {
        Self(Url::parse("http://sandbox/beta").expect("a constant URL"))
    }

    /// Returns the URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the URL as plans show it, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the absolute URL of a path below the version root.
    pub fn join(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.0)
    }

    /// Whether a link leads to the same scheme, host and port, so that the token may go there.
    pub fn admits(&self, link: &str) -> bool {
        Url::parse(link).is_ok_and(|url| {
            url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
        })
    }

    /// Whether the address is http, which only loopback addresses are.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Returns the token scope for this host. A loopback stand-in is asked with the scope of the
    /// cloud it stands for.
    pub fn scope(&self, cloud: &Cloud) -> String {
        if self.is_plain() {
            format!("{}/.default", cloud.graph)
        } else {
            format!("{}/.default", self.0.origin().ascii_serialization())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_http_are_taken() {
        for good in [
            "https://graph.microsoft.com/beta",
            "http://127.0.0.1:8080/beta",
            "http://127.9.9.9/beta/",
            "http://[::1]:1/beta",
            "http://localhost:3000/beta",
        ] {
            assert!(GraphUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com/beta",
            "http://127.0.0.1.example.com/beta",
            "http://localhost.example.com/beta",
            "ftp://127.0.0.1/beta",
            "graph.microsoft.com/beta",
            "https://graph.microsoft.com",
            "https://user@graph.microsoft.com/beta",
            "https://graph.microsoft.com/beta?x=1",
            "",
        ] {
            assert!(GraphUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_secret() {
        for (given, safe) in [
            ("https://h/beta", "https://h/beta"),
            ("https://u:p@h/beta?q=1#f", "https://h/beta"),
            ("https://u:p/?#w@h:1/beta", "https://h:1/beta"),
            ("http://u:p@h", "http://h"),
            ("u:p@h/x", "h/x"),
            ("https//u:p@h", "h"),
            ("https://h/x?u=p@q", "https://q"),
            ("h?q", "h"),
            ("@", ""),
        ] {
            assert_eq!(shown_url(given), safe, "{given}");
        }
        for bad in [
            "https://MARKED:MARKED@h/beta",
            "https://MARKED@h/beta",
            "http://MARKED:MARKED@h/beta",
            "MARKED:MARKED@h",
            "https://MARKED:MARKED/@h:x/beta",
            "https://h/beta?MARKED",
            "https://h?MARKED",
            "https://h/beta#MARKED",
            "x?MARKED",
        ] {
            let error = GraphUrl::parse(bad).expect_err(bad).to_string();
            assert!(!error.contains("MARKED"), "{error}");
        }
    }

    #[test]
    fn a_link_is_admitted_to_the_same_origin_only() {
        let graph = GraphUrl::parse("https://graph.microsoft.com/beta").expect("a Graph URL");
        assert!(graph.admits("https://graph.microsoft.com/beta/x?$skiptoken=%255B"));
        assert!(graph.admits("https://graph.microsoft.com:443/beta/x"));
        for foreign in [
            "https://graph.microsoft.com.example.com/beta",
            "http://graph.microsoft.com/beta",
            "https://graph.microsoft.com:444/beta",
            "https://graph.microsoft.com@example.com/beta",
            "https://token@graph.microsoft.com/beta",
            "/beta/x",
            "",
        ] {
            assert!(!graph.admits(foreign), "{foreign}");
        }
    }
}
