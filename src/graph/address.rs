//! Where the service is: national clouds, the Graph URL, and which links may be followed.

use std::net::IpAddr;

use url::{Host, Url};

/// A cloud's addresses (microsoft-graph-docs-contrib: concepts/deployments.md).
#[derive(Debug)]
pub struct Cloud {
    /// The cloud's word on the command line.
    pub name: &'static str,
    /// Where tokens come from.
    pub authority: &'static str,
    /// The Graph host's root.
    pub graph: &'static str,
    /// Whom a token of another platform is for when it stands for an application
    /// (learn.microsoft.com/graph/api/resources/federatedidentitycredentials-overview).
    pub federation_audience: &'static str,
}

/// Every cloud; the first is the default.
pub static CLOUDS: &[Cloud] = &[
    Cloud {
        name: "public",
        authority: "https://login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
        federation_audience: "api://AzureADTokenExchange",
    },
    Cloud {
        name: "usgov",
        authority: "https://login.microsoftonline.us",
        graph: "https://graph.microsoft.us",
        federation_audience: "api://AzureADTokenExchangeUSGov",
    },
    Cloud {
        name: "usgov-dod",
        authority: "https://login.microsoftonline.us",
        graph: "https://dod-graph.microsoft.us",
        federation_audience: "api://AzureADTokenExchangeUSGov",
    },
    Cloud {
        name: "china",
        authority: "https://login.chinacloudapi.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        federation_audience: "api://AzureADTokenExchangeChina",
    },
];

impl Cloud {
    /// Finds a cloud by its word.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.name == name)
    }

    /// Returns the cloud's Graph URL. Assignments of our kinds live in the beta version only.
    pub fn graph_url(&self) -> String {
        format!("{}/beta", self.graph)
    }
}

/// Why an address is refused. What is shown of it holds no user, password or query.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// It does not read as an absolute URL.
    #[error("`{0}` is not an absolute URL")]
    NotAUrl(String),
    /// It is neither https nor http to a loopback address.
    #[error("`{0}` is refused: a token goes over https, or over http to a loopback address only")]
    Insecure(String),
    /// It lacks Graph's version.
    #[error("`{0}` names no version of Graph; write it like `https://graph.microsoft.com/beta`")]
    NoVersion(String),
    /// It has a query or a fragment.
    #[error("`{0}` has more than host and path")]
    Ornate(String),
    /// It has a user name or a password.
    #[error("a user name or password is refused in `{0}`: who signs in is told apart from where")]
    UserInfo(String),
    /// It has a path where there is room for none.
    #[error("`{0}` has a path, and a sign-in host has none")]
    Path(String),
}

/// Returns what may be shown of an address that somebody gave: not what stands before an `@`, and
/// nothing from a query or a fragment on. It need not be a URL.
pub fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    // Where a password holds one of them, the `@` comes after it.
    let Some(at) = text.rfind('@') else {
        return text[..end].to_owned();
    };
    let scheme = text
        .find("://")
        .filter(|found| *found < at)
        .map_or("", |found| &text[..found + 3]);
    let rest = &text[at + 1..];
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{}", &rest[..end])
}

/// The Graph URL, with its version: `https://graph.microsoft.com/beta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphUrl {
    text: String,
    url: Url,
}

impl GraphUrl {
    /// Reads a Graph URL and checks that a token may be sent to it.
    ///
    /// # Errors
    ///
    /// Refuses what is not https, unless it is http to a loopback address, and what has no version.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = secure_url(text)?;
        if url.path().trim_matches('/').is_empty() {
            return Err(AddressError::NoVersion(shown(text)));
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { text, url })
    }

    /// Returns the address of the sandbox inside the process. No socket is behind it.
    pub fn in_process() -> Self {
        let url = Url::parse("http://sandbox/beta").expect("a constant URL");
        Self {
            text: url.as_str().to_owned(),
            url,
        }
    }

    /// Returns the URL as plans show it, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the absolute URL of a path below the version root.
    pub fn join(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.text)
    }

    /// Whether a link leads to the same scheme, host and port, so that the token may go there.
    pub fn admits(&self, link: &str) -> bool {
        Url::parse(link).is_ok_and(|url| {
            url.origin() == self.url.origin()
                && url.username().is_empty()
                && url.password().is_none()
        })
    }

    /// Whether the address is http, which only loopback addresses are.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Returns the token scope for this host. A loopback stand-in is asked with the scope of the
    /// cloud it stands for.
    pub fn scope(&self, cloud: &Cloud) -> String {
        if self.is_plain() {
            format!("{}/.default", cloud.graph)
        } else {
            format!("{}/.default", self.url.origin().ascii_serialization())
        }
    }
}

/// Reads an absolute URL that a secret may be sent to: https, or http to a loopback address.
///
/// # Errors
///
/// Refuses everything else, and URLs with a query, a fragment or a user name.
pub fn secure_url(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::NotAUrl(shown(text)))?;
    let secure = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            None => false,
        },
        _ => false,
    };
    if !secure {
        return Err(AddressError::Insecure(shown(text)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo(shown(text)));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Ornate(shown(text)));
    }
    Ok(url)
}

/// Reads the URL of a sign-in host. The tenant and the rest of the path are put behind it.
///
/// # Errors
///
/// As [`secure_url`]; refuses a path as well, which would be lost.
pub fn authority_url(text: &str) -> Result<Url, AddressError> {
    let url = secure_url(text)?;
    if url.path().trim_matches('/').is_empty() {
        Ok(url)
    } else {
        Err(AddressError::Path(shown(text)))
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
            assert_eq!(shown(given), safe, "{given}");
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
