//! Query options, pages and next links.
//!
//! A next link carries the options of the first request and a token that is sealed to them: one
//! that was altered, or that is sent to another list or with other options, is refused. Intune's
//! tokens are percent-encoded twice (TFCAP; facts, section 4), so a client that does not follow
//! links byte for byte fails here as it does there.

use std::ops::Range;

use serde_json::{Map, Value};

use super::predicate::{Grammar, Predicate};
use crate::encoding::{base64_decode, base64url, percent_decode, percent_encode, sha256};
use crate::reply::Fault;

/// What a request may ask of an entity or a list.
#[derive(Debug)]
pub(crate) struct Allowed<'a> {
    /// The options, by name.
    pub(crate) options: &'a [&'a str],
    /// The entity type, for messages.
    pub(crate) entity: &'a str,
    /// What `$select` may name.
    pub(crate) properties: &'a [&'a str],
    /// What `$expand` may name.
    pub(crate) expand: &'a [&'a str],
    /// What `$filter` may say.
    pub(crate) grammar: Grammar,
}

/// A grammar that knows nothing, for where `$filter` is not allowed.
pub(crate) const NO_FILTER: Grammar = Grammar {
    properties: &[],
    functions: &[],
    in_list: false,
    not: false,
    ignore_case: false,
};

/// The query options of a request.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) top: Option<usize>,
    pub(crate) select: Option<Vec<String>>,
    expand: Vec<String>,
    pub(crate) filter: Option<Predicate>,
    ignore_case: bool,
    pub(crate) count: bool,
    /// What `$orderby` says.
    pub(crate) order: Option<String>,
    skip_token: Option<String>,
    /// The options as sent, decoded, without the skip token.
    sent: Vec<(String, String)>,
}

/// Splits a query into names and values.
pub(crate) fn split(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let decode = |text| {
            percent_decode(text, true)
                .ok_or_else(|| Fault::bad_request(format!("The query part '{part}' is malformed.")))
        };
        let (name, value) = (decode(name)?, decode(value)?);
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Fault::bad_request(format!(
                "Query option '{name}' was specified more than once, but it must be specified at \
                 most once."
            )));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

impl Options {
    /// Reads the options of a request; what is not allowed is refused by name.
    pub(crate) fn read(pairs: &[(String, String)], allowed: &Allowed<'_>) -> Result<Self, Fault> {
        let mut options = Self {
            ignore_case: allowed.grammar.ignore_case,
            ..Self::default()
        };
        for (name, value) in pairs {
            if !allowed.options.contains(&name.as_str()) {
                return Err(Fault::bad_request(format!(
                    "Query option '{name}' is not supported for '{}'.",
                    allowed.entity
                )));
            }
            match name.as_str() {
                "$top" => options.top = Some(top(value)?),
                "$select" => options.select = Some(select(value, allowed)?),
                "$expand" => {
                    for name in value.split(',').map(str::trim) {
                        if !allowed.expand.contains(&name) {
                            return Err(unknown_property(name, allowed.entity));
                        }
                        options.expand.push(name.to_owned());
                    }
                }
                "$filter" => options.filter = Some(Predicate::parse(value, &allowed.grammar)?),
                "$orderby" => options.order = Some(value.clone()),
                "$count" => {
                    options.count = match value.as_str() {
                        "true" => true,
                        "false" => false,
                        _ => {
                            return Err(Fault::bad_request(format!(
                                "Invalid value '{value}' for $count query option found."
                            )));
                        }
                    }
                }
                _ => {
                    options.skip_token = Some(value.clone());
                    continue;
                }
            }
            options.sent.push((name.clone(), value.clone()));
        }
        options.sent.sort();
        Ok(options)
    }

    /// Remembers an option for next links that was read elsewhere.
    pub(crate) fn keep(&mut self, name: &str, value: &str) {
        self.sent.push((name.to_owned(), value.to_owned()));
        self.sent.sort();
    }

    /// Whether an object passes the filter, if there is one.
    pub(crate) fn passes(&self, object: &Map<String, Value>) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.matches(object, self.ignore_case))
    }

    /// Whether something is to be expanded.
    pub(crate) fn expands(&self, name: &str) -> bool {
        self.expand.iter().any(|known| known == name)
    }

    /// Whether a property is asked for by name.
    pub(crate) fn selects(&self, name: &str) -> bool {
        let mut selected = self.select.iter().flatten();
        selected.any(|selected| selected == name)
    }

    /// Leaves the selected properties.
    pub(crate) fn shape(&self, object: Map<String, Value>) -> Map<String, Value> {
        match &self.select {
            None => object,
            Some(selected) => object
                .into_iter()
                .filter(|(key, _)| selected.contains(key))
                .collect(),
        }
    }
}

fn top(value: &str) -> Result<usize, Fault> {
    // Digits only: `usize` would take a sign too.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<usize>() {
        Ok(top) if digits && top > 0 => Ok(top),
        _ => Err(Fault::bad_request(format!(
            "Invalid value '{value}' for $top query option found. The $top query option requires \
             a positive integer value."
        ))),
    }
}

fn select(value: &str, allowed: &Allowed<'_>) -> Result<Vec<String>, Fault> {
    value
        .split(',')
        .map(str::trim)
        .map(|name| {
            if allowed.properties.contains(&name) {
                Ok(name.to_owned())
            } else {
                Err(unknown_property(name, allowed.entity))
            }
        })
        .collect()
}

fn unknown_property(name: &str, entity: &str) -> Fault {
    Fault::bad_request(format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
         'microsoft.graph.{entity}'."
    ))
}

/// Which service's skip tokens a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenStyle {
    /// A text with brackets, percent-encoded twice.
    Intune,
    /// A word.
    Directory,
}

/// A page of a list.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    /// Which of the rows are on it.
    pub(crate) rows: Range<usize>,
    /// The address of the next one.
    pub(crate) next: Option<String>,
}

/// Cuts the page out of a list that a request asks for.
///
/// There are so many rows that the request's filter lets through, and `id` gives the id of each;
/// `path` is the list's address below the version root at `root`.
pub(crate) fn page<'a>(
    count: usize,
    id: impl Fn(usize) -> &'a str,
    options: &Options,
    size: usize,
    root: &str,
    path: &str,
    style: TokenStyle,
) -> Result<Page, Fault> {
    let start = match &options.skip_token {
        None => 0,
        Some(token) => {
            let (offset, last) = open(token, options, path, style).ok_or_else(|| {
                Fault::bad_request("Skip token is not valid for this request.".to_owned())
            })?;
            // The row itself is found again where others came or went before it.
            let is_last = |place: &usize| id(*place) == last;
            let before = offset.checked_sub(1).filter(|place| *place < count);
            let place = before.filter(is_last);
            let place = place.or_else(|| (0..count).find(is_last));
            place.map_or(offset, |place| place + 1).min(count)
        }
    };
    let end = start.saturating_add(size.max(1)).min(count);
    let next = match end.checked_sub(1) {
        Some(last) if start < end && end < count => {
            let token = seal(end, id(last), options, path, style);
            let mut parts: Vec<String> = options
                .sent
                .iter()
                .map(|(name, value)| format!("{name}={}", percent_encode(value)))
                .collect();
            parts.push(format!("$skiptoken={}", percent_encode(&token)));
            Some(format!("{root}{path}?{}", parts.join("&")))
        }
        _ => None,
    };
    Ok(Page {
        rows: start..end,
        next,
    })
}

const HEAD: &str = "[cosmosdb][{\"compositeToken\":{\"token\":\"";
const TAIL: &str = "\",\"range\":{\"min\":\"\",\"max\":\"FF\"}}}]";

fn seal(offset: usize, last: &str, options: &Options, path: &str, style: TokenStyle) -> String {
    let content = format!("{offset}:{last}");
    let sealed = base64url(format!("{content}:{}", check(&content, options, path)).as_bytes());
    match style {
        TokenStyle::Intune => percent_encode(&format!("{HEAD}{sealed}{TAIL}")),
        TokenStyle::Directory => sealed,
    }
}

fn open(token: &str, options: &Options, path: &str, style: TokenStyle) -> Option<(usize, String)> {
    let inner = match style {
        TokenStyle::Directory => token.to_owned(),
        TokenStyle::Intune => {
            let decoded = percent_decode(token, false)?;
            // Byte for byte: one layer of encoding must still have been on it.
            if percent_encode(&decoded) != token {
                return None;
            }
            decoded.strip_prefix(HEAD)?.strip_suffix(TAIL)?.to_owned()
        }
    };
    let text = String::from_utf8(base64_decode(&inner)?).ok()?;
    let (content, seal) = text.rsplit_once(':')?;
    if seal != check(content, options, path) {
        return None;
    }
    let (offset, last) = content.split_once(':')?;
    Some((offset.parse().ok()?, last.to_owned()))
}

/// A seal over what the token holds and what it belongs to. It guards against mistakes only.
fn check(content: &str, options: &Options, path: &str) -> String {
    let sealed = sha256(format!("{content}\n{path}\n{:?}", options.sent).as_bytes());
    base64url(sealed.get(..9).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Allowed<'static> = Allowed {
        options: &["$top", "$select", "$expand", "$filter", "$skiptoken"],
        entity: "thing",
        properties: &["id", "name"],
        expand: &["assignments"],
        grammar: Grammar {
            properties: &["name"],
            ..NO_FILTER
        },
    };

    fn read(query: &str) -> Result<Options, Fault> {
        Options::read(&split(query)?, &ALLOWED)
    }

    fn cut(ids: &[&str], query: &str, style: TokenStyle) -> Result<Page, Fault> {
        let options = read(query)?;
        page(
            ids.len(),
            |place| ids[place],
            &options,
            options.top.unwrap_or(2),
            "http://x/beta",
            "/things",
            style,
        )
    }

    #[test]
    fn an_empty_list_has_one_empty_page() {
        let page = cut(&[], "", TokenStyle::Intune).expect("a page");
        assert_eq!((page.rows, page.next), (0..0, None));
    }

    #[test]
    fn links_lead_through_the_list_and_keep_the_options() {
        for style in [TokenStyle::Intune, TokenStyle::Directory] {
            let ids = ["a", "b", "c", "d"];
            let first = cut(&ids, "$top=2&$filter=name%20eq%20'x%26y'", style).expect("a page");
            assert_eq!(first.rows, 0..2);
            let link = first.next.expect("a link");
            let (address, query) = link.split_once('?').expect("a query");
            assert_eq!(address, "http://x/beta/things");
            assert!(query.starts_with("$filter=name%20eq%20%27x%26y%27&$top=2&$skiptoken="));
            assert_eq!(
                style == TokenStyle::Intune,
                query.contains("=%255Bcosmosdb%255D%255B%257B")
            );
            let second = cut(&ids, query, style).expect("a page");
            assert_eq!((second.rows, second.next), (2..4, None));
            // A row that came before the last one seen does not shift the page.
            let more = ["0", "a", "b", "c", "d"];
            assert_eq!(cut(&more, query, style).expect("a page").rows, 3..5);
            for broken in [
                query.replace("$top=2", "$top=3"),
                query.replace("$top=2&", ""),
                query.replace("%25", "%"),
                format!("{query}A"),
                "$skiptoken=".to_owned(),
                "$skiptoken=%255B".to_owned(),
            ] {
                let same = style == TokenStyle::Directory && broken == query;
                assert!(same || cut(&ids, &broken, style).is_err(), "{broken}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (query, named) in [
            ("$orderby=name", "'$orderby'"),
            ("top=5", "'top'"),
            ("$top=0", "'0'"),
            ("$top=+5", "' 5'"),
            ("$top=x", "'x'"),
            ("$top=1&$top=2", "'$top'"),
            ("$select=size", "'size'"),
            ("$expand=settings", "'settings'"),
            ("$filter=size%20eq%201", "'size'"),
            ("$filter=%", "'$filter=%'"),
        ] {
            let fault = read(query).expect_err(query);
            assert!(fault.message.contains(named), "{}", fault.message);
        }
    }
}
