//! Removes personal data from an exchange: names, ids, hosts, tokens.
//!
//! What stays is what `words` lets through, and shapes: JSON with its keys, numbers, dates without their
//! digits. All other texts become `text-1`, `text-2`, …; the same text becomes the same again, so that
//! what belongs together can be seen. So do ids, which stay GUIDs.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::Url;

use super::words;
use crate::model::Guid;

/// Ids that the service has for everyone, and the one that stands for none.
const SHARED_IDS: [&str; 3] = [
    "adadadad-808e-44e2-905a-0b7873a8a531",
    "acacacac-9df4-4c7d-9d50-4ef0226f57a9",
    "00000000-0000-0000-0000-000000000000",
];

const GUID_LENGTH: usize = 36;

/// Replaces personal data, the same by the same.
#[derive(Debug, Default)]
pub struct Sanitiser {
    ids: HashMap<String, usize>,
    texts: HashMap<String, usize>,
    hosts: Vec<String>,
}

impl Sanitiser {
    /// Replaces a JSON value.
    pub fn value(&mut self, value: &Value) -> Value {
        self.below("", value)
    }

    fn below(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => Value::String(self.text_of(key, text)),
            Value::Array(values) => {
                let values = values.iter().map(|value| self.below(key, value));
                Value::Array(values.collect())
            }
            Value::Object(object) => {
                let mut kept = Map::new();
                for (name, value) in object {
                    let value = match (key, value) {
                        ("headers", Value::String(text)) => json!(self.header(name, text)),
                        _ => self.below(name, value),
                    };
                    kept.insert(self.key(name), value);
                }
                Value::Object(kept)
            }
        }
    }

    fn key(&mut self, key: &str) -> String {
        match words::is_property(key) {
            true => key.to_owned(),
            false => self.text(key),
        }
    }

    fn text_of(&mut self, key: &str, text: &str) -> String {
        if key.ends_with("nextLink") || key.ends_with("odata.context") || key == "url" {
            return self.url(text);
        }
        if matches!(key, "message" | "Message") {
            return match words::phrase_in(text) {
                Some(phrase) => phrase.to_owned(),
                None => self.text(text),
            };
        }
        // What people have named stays in no case, whatever word it is.
        if words::is_name(key) {
            return self.text(text);
        }
        if key.ends_with("odata.type") && words::is_type(text) {
            return text.to_owned();
        }
        // A count in a batch.
        if key == "body" && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.to_owned();
        }
        self.plain(text)
    }

    /// Replaces a text that may be a word, an id or a time. A type may be anyone's text, so it stays only
    /// where nothing else can stand.
    fn plain(&mut self, text: &str) -> String {
        if text.is_empty() || words::is_known(text) {
            return text.to_owned();
        }
        if is_time(text) {
            return text.replace(|character: char| character.is_ascii_digit(), "0");
        }
        self.id(text).unwrap_or_else(|| self.text(text))
    }

    /// Replaces the ids in a text that is made of ids and known words; `None` if it is not.
    fn id(&mut self, text: &str) -> Option<String> {
        let mut kept = String::new();
        let mut rest = text;
        let mut found = false;
        while !rest.is_empty() {
            if let Some(guid) = rest
                .get(..GUID_LENGTH)
                .filter(|part| Guid::parse(part).is_some())
            {
                kept.push_str(&self.guid(guid));
                rest = &rest[GUID_LENGTH..];
                found = true;
            } else {
                let end = rest.find(['_', ':', '/']).unwrap_or(rest.len());
                let word = &rest[..end];
                let is_short =
                    word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if !(word.is_empty() || is_short || words::is_known(word)) {
                    return None;
                }
                kept.push_str(word);
                rest = &rest[end..];
            }
            if let Some(separator) = rest.chars().next() {
                if !matches!(separator, '_' | ':' | '/') {
                    return None;
                }
                kept.push(separator);
                rest = &rest[1..];
            }
        }
        found.then_some(kept)
    }

    fn guid(&mut self, guid: &str) -> String {
        let guid = guid.to_ascii_lowercase();
        if SHARED_IDS.contains(&&*guid) {
            return guid;
        }
        let next = self.ids.len() + 1;
        let number = *self.ids.entry(guid).or_insert(next);
        format!("00000000-0000-4000-8000-{number:012}")
    }

    fn text(&mut self, text: &str) -> String {
        let next = self.texts.len() + 1;
        let number = *self.texts.entry(text.to_owned()).or_insert(next);
        format!("text-{number}")
    }

    /// Replaces host, ids and names in an absolute URL, or in a path with its query.
    pub(super) fn url(&mut self, text: &str) -> String {
        let (origin, rest) = match Url::parse(text) {
            Ok(url) if url.has_host() => {
                let origin = url.origin().ascii_serialization();
                let start = text.find("://").map_or(0, |found| found + 3);
                let path = text[start..]
                    .find('/')
                    .map_or("", |found| &text[start + found..]);
                (self.host(&origin), path)
            }
            Ok(_) => return self.text(text),
            Err(_) => (String::new(), text),
        };
        let cut = |text, at| match str::split_once(text, at) {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let (rest, fragment) = cut(rest, '#');
        let (path, query) = cut(rest, '?');
        let mut kept = origin;
        kept.push_str(&self.path(path));
        if let Some(query) = query {
            let options = query.split('&').map(|option| self.option(option));
            kept.push('?');
            kept.push_str(&options.collect::<Vec<_>>().join("&"));
        }
        if let Some(fragment) = fragment {
            kept.push('#');
            kept.push_str(&self.path(fragment));
        }
        kept
    }

    /// Names a host: the first one is Graph's own.
    fn host(&mut self, origin: &str) -> String {
        let known = self.hosts.iter().position(|known| known == origin);
        let number = known.unwrap_or_else(|| {
            self.hosts.push(origin.to_owned());
            self.hosts.len() - 1
        });
        match number {
            0 => "https://graph".to_owned(),
            number => format!("https://host-{number}"),
        }
    }

    fn path(&mut self, path: &str) -> String {
        let segments = path.split('/').map(|segment| self.segment(segment));
        segments.collect::<Vec<_>>().join("/")
    }

    fn segment(&mut self, segment: &str) -> String {
        let decoded = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        if decoded.is_empty() || words::is_segment(&decoded) {
            return decoded;
        }
        // `collection('id')`, and `Collection(type)`.
        if let Some((name, inner)) = decoded.split_once('(')
            && let Some(inner) = inner.strip_suffix(')')
            && words::is_segment(name)
        {
            let quote = if inner.starts_with('\'') { "'" } else { "" };
            let inner = match quote.is_empty() && words::is_type(inner) {
                true => inner.to_owned(),
                false => self.plain(inner.trim_matches('\'')),
            };
            return format!("{name}({quote}{inner}{quote})");
        }
        self.plain(&decoded)
    }

    fn option(&mut self, option: &str) -> String {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
        let decoded = percent_decode_str(value).decode_utf8_lossy().into_owned();
        let value = match name.as_str() {
            "$top" | "$skip" | "$count"
                if decoded.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                decoded
            }
            "$select" | "$expand" | "$orderby" => {
                let words = decoded.split([',', ' ']).map(|word| self.key(word));
                words.collect::<Vec<_>>().join(",")
            }
            "$filter" => self.filter(&decoded),
            // How often it is encoded is its form.
            "$skiptoken" if decoded.contains('%') => format!("{}%25", self.text(value)),
            _ => self.text(value),
        };
        match name.as_str() {
            "$top" | "$skip" | "$count" | "$select" | "$expand" | "$orderby" | "$filter"
            | "$skiptoken" => format!("{name}={value}"),
            _ => format!("{}={value}", self.text(&name)),
        }
    }

    /// Replaces the literals of a filter; what stands around them is OData's.
    fn filter(&mut self, filter: &str) -> String {
        let mut kept = String::new();
        for (index, part) in filter.split('\'').enumerate() {
            if index > 0 {
                kept.push('\'');
            }
            if index % 2 == 1 {
                kept.push_str(&self.plain(part));
                continue;
            }
            let words = part.split_inclusive([' ', '(', ')', ',']);
            for word in words {
                let bare = word.trim_end_matches([' ', '(', ')', ',']);
                let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
                let path = bare.split('/');
                let is_ours = path
                    .clone()
                    .all(|name| words::is_property(name) || name.starts_with('$'));
                match bare.is_empty() || is_number || is_ours {
                    true => kept.push_str(bare),
                    false => kept.push_str(&self.text(bare)),
                }
                kept.push_str(&word[bare.len()..]);
            }
        }
        kept
    }

    /// Replaces the value of a header that is recorded.
    pub(super) fn header(&mut self, name: &str, value: &str) -> String {
        let is_number = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        match name.to_ascii_lowercase().as_str() {
            "date" => "date".to_owned(),
            "retry-after" if is_number => value.to_owned(),
            "retry-after" if httpdate::parse_http_date(value).is_ok() => "date".to_owned(),
            "x-ms-resource-unit" | "x-ms-throttle-limit-percentage" if is_number => {
                value.to_owned()
            }
            "content-type" => {
                let kind = value.split(';').next().unwrap_or_default().trim();
                match kind {
                    "application/json" | "text/plain" | "text/html" => kind.to_owned(),
                    _ => "other".to_owned(),
                }
            }
            "location" => self.url(value),
            _ => self.plain(value),
        }
    }

    /// Replaces what the service's words in backticks are in one of our own sentences.
    pub fn sentence(&mut self, text: &str) -> String {
        let parts = text.split('`').enumerate();
        let parts = parts.map(|(index, part)| match index % 2 {
            // No finding names a policy.
            1 if !(is_ours(part) || words::is_type(part)) => self.plain(part),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("`")
    }
}

/// Whether what stands in backticks is what the program sends, or a command of its own.
fn is_ours(text: &str) -> bool {
    text.starts_with(['$', '@', '/', '…']) && !text.contains('\'') && text.len() <= 60
        || text.starts_with("doctor ")
        || (words::is_property(text) && text.len() <= 12 && text.starts_with("source"))
}

/// Whether a text is a time as the service writes it.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    has(4, b'-')
        && has(7, b'-')
        && bytes.len() <= 35
        && bytes.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b'Z' | b'+')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    const NEW: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn shapes_and_known_words_stay_and_names_go() {
        let mut sanitiser = Sanitiser::default();
        let kept = sanitiser.value(&json!({
            "@odata.type": "#microsoft.graph.win32LobApp",
            "id": ONE,
            "displayName": "SG-Secret",
            "again": "SG-Secret",
            "platforms": "windows10",
            "technologies": "mdm,appleRemoteManagement",
            "odd": "windows10,SG-Secret",
            "count": 3,
            "createdDateTime": "2024-03-01T08:00:00.1234567Z",
            "SG_Secret": {"x": [null, true, 1.5, "SG-Other"]},
            "row": format!("{ONE}_adadadad-808e-44e2-905a-0b7873a8a531"),
            "script": format!("{ONE}:{ONE}"),
            "named": format!("{ONE}_SG-Secret"),
        }));
        assert_eq!(
            kept,
            json!({
                "@odata.type": "#microsoft.graph.win32LobApp",
                "id": NEW,
                "displayName": "text-3",
                "again": "text-3",
                "platforms": "windows10",
                "technologies": "mdm,appleRemoteManagement",
                "odd": "text-5",
                "count": 3,
                "createdDateTime": "0000-00-00T00:00:00.0000000Z",
                "text-2": {"x": [null, true, 1.5, "text-1"]},
                "row": format!("{NEW}_adadadad-808e-44e2-905a-0b7873a8a531"),
                "script": format!("{NEW}:{NEW}"),
                "named": "text-4",
            })
        );
    }

    #[test]
    fn addresses_lose_hosts_ids_and_names() {
        let mut sanitiser = Sanitiser::default();
        for (given, kept) in [
            (
                "https://graph.example/beta/deviceManagement/configurationPolicies?$top=1000&$expand=assignments",
                "https://graph/beta/deviceManagement/configurationPolicies?$top=1000&$expand=assignments".to_owned(),
            ),
            (
                &*format!("https://graph.example/beta/$metadata#deviceManagement/configurationPolicies('{ONE}')/assignments"),
                format!("https://graph/beta/$metadata#deviceManagement/configurationPolicies('{NEW}')/assignments"),
            ),
            (
                "https://evil.example/beta/groups?$skiptoken=%255BSecret",
                "https://host-1/beta/groups?$skiptoken=text-1%25".to_owned(),
            ),
            (
                "/groups?$filter=displayName%20in%20(%27SG-A%27%2C%27O%27%27Neil%27)&$select=id,displayName&secret=x",
                "/groups?$filter=displayName in ('text-2','text-3''text-4')&$select=id,displayName&text-6=text-5".to_owned(),
            ),
            ("/groups/Secret", "/groups/text-7".to_owned()),
            ("Secret", "text-7".to_owned()),
            ("secret:x", "text-8".to_owned()),
        ] {
            assert_eq!(sanitiser.url(given), kept, "{given}");
        }
    }

    #[test]
    fn of_errors_the_known_phrase_stays() {
        let mut sanitiser = Sanitiser::default();
        let kept = sanitiser.value(&json!({"error": {
            "code": "BadRequest",
            "message": "{\"Message\": \"Resource not found for the segment 'Secret'.\"}",
            "innerError": {"request-id": ONE, "code": "Secret", "message": "Secret"},
        }}));
        assert_eq!(
            kept,
            json!({"error": {
                "code": "BadRequest",
                "message": "Resource not found for the segment",
                "innerError": {"request-id": NEW, "code": "text-1", "message": "text-1"},
            }})
        );
        assert_eq!(
            sanitiser
                .sentence("`$top=1000` is refused for `mobileApp`; seen `Secret` and `windows10`"),
            "`$top=1000` is refused for `mobileApp`; seen `text-1` and `windows10`"
        );
    }
}
