//! Where requests may go: national clouds, the URLs that a secret may be sent to, the rules that
//! hold for every HTTP connection of the program, and how long an answer asks to wait.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::Certificate;
use url::{Host, Url};

use crate::text::{Cause, shown_url};

/// A cloud's addresses (microsoft-graph-docs-contrib: concepts/deployments.md).
#[derive(Debug)]
pub struct Cloud {
    /// The cloud's word on the command line.
    pub name: &'static str,
    /// Where tokens come from.
    pub authority: &'static str,
    /// The Graph host's root.
    pub graph: &'static str,
    /// The audience of another platform's token when it stands for an application
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
    #[error("`{0}` lacks the version of Graph; write it like `https://graph.microsoft.com/beta`")]
    NoVersion(String),
    /// It has a query or a fragment.
    #[error("`{0}` has more than host and path")]
    QueryOrFragment(String),
    /// It has a user name or a password.
    #[error("`{0}`: a URL with a user name or password is refused")]
    UserInfo(String),
    /// It has a path where there is room for none.
    #[error("`{0}` has a path, and a sign-in host has none")]
    Path(String),
}

/// Reads an absolute URL that a secret may be sent to: https, or http to a loopback address.
///
/// # Errors
///
/// Refuses everything else, and URLs with a query, a fragment or a user name.
pub fn secure_url(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::NotAUrl(shown_url(text)))?;
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
        return Err(AddressError::Insecure(shown_url(text)));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::UserInfo(shown_url(text)));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::QueryOrFragment(shown_url(text)));
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
        Err(AddressError::Path(shown_url(text)))
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a client builder with the rules that hold for every connection of the program: no
/// redirect is followed (a token must not travel), nothing is repeated behind our back.
///
/// `plain` is for http, which goes to a loopback address only: a proxy has no business there, and
/// would see the token.
///
/// Who is trusted is the platform's to say, or `SSL_CERT_FILE`'s alone where that is set: on every
/// platform, and with an error where the file is not what it should be. Nothing turns the checks off.
///
/// # Errors
///
/// Says what is wrong with `SSL_CERT_FILE`.
pub(crate) fn client_builder(plain: bool) -> Result<reqwest::ClientBuilder, Cause> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("assignctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if plain {
        // Nor have certificates, and reading them takes longer than the request.
        return Ok(builder.no_proxy().tls_certs_only([]));
    }
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
        builder = builder.tls_certs_only(authorities(Path::new(&file))?);
    }
    Ok(builder)
}

/// Reads the certificates of the authorities that are trusted.
fn authorities(file: &Path) -> Result<Vec<Certificate>, Cause> {
    let unusable = format!(
        "the certificates in `{}` (`SSL_CERT_FILE`) cannot be used",
        file.display()
    );
    let text = std::fs::read(file).map_err(|error| Cause::of(&unusable, error))?;
    let certificates =
        Certificate::from_pem_bundle(&text).map_err(|error| Cause::of(&unusable, error))?;
    if certificates.is_empty() {
        return Err(format!("{unusable}: there are none").into());
    }
    Ok(certificates)
}

/// Longer than any wait, short enough for arithmetic with clocks.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Reads a `Retry-After` value. A date is taken against the answer's own `Date`, since the two
/// come from one clock; without it against ours.
pub(crate) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        if seconds.is_nan() || seconds < 0.0 {
            return None;
        }
        return Some(
            Duration::try_from_secs_f64(seconds)
                .unwrap_or(LONGEST_RETRY_AFTER)
                .min(LONGEST_RETRY_AFTER),
        );
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = date
        .and_then(|date| httpdate::parse_http_date(date.trim()).ok())
        .unwrap_or_else(SystemTime::now);
    // A date that has passed means now.
    let wait = until.duration_since(now).unwrap_or_default();
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::text::causes;

    #[test]
    fn an_error_leads_to_what_the_system_says() {
        let error = authorities(Path::new("not-there.pem")).expect_err("no file");
        let said = causes(&error).find_map(|error| error.downcast_ref::<io::Error>());
        let said = said.expect("the system's error");
        assert_eq!(said.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            format!("the certificates in `not-there.pem` (`SSL_CERT_FILE`) cannot be used: {said}")
        );
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = Some("Mon, 23 Nov 2026 10:00:00 GMT");
        for (value, expected) in [
            ("0", Some(0.0)),
            ("17", Some(17.0)),
            (" 2.128 ", Some(2.128)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30.0)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0.0)),
            ("Monday, 23-Nov-26 10:00:30 GMT", Some(30.0)),
            ("Mon Nov 23 10:00:30 2026", Some(30.0)),
            ("Tue Dec  1 10:00:00 2026", Some(8.0 * 86_400.0)),
            (
                "Fri, 31 Dec 9999 23:59:59 GMT",
                Some(LONGEST_RETRY_AFTER.as_secs_f64()),
            ),
            ("Mon, 23 Nov 2026 10:00:30 CET", None),
            ("", None),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("1e300", Some(LONGEST_RETRY_AFTER.as_secs_f64())),
            ("inf", Some(LONGEST_RETRY_AFTER.as_secs_f64())),
        ] {
            assert_eq!(
                retry_after(value, date),
                expected.map(Duration::from_secs_f64),
                "{value}"
            );
        }
    }
}
