use std::io::Write as _;

use super::*;

const SECRET: &str = "Q~8s-Zk1\"x/y?z+long.enough_to=be\\split";

fn hide(secret: &str, text: &str) -> String {
    let secrets = Secrets::new([&SecretString::from(secret)]);
    secrets.hide(text, Origin::Foreign, "#").into_owned()
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn nothing_known_is_nothing_hidden() {
    let none = Secrets::new([]);
    assert!(matches!(
        none.hide("text", Origin::Foreign, "#"),
        Cow::Borrowed("text")
    ));
    assert_eq!(none.hide_bytes(b"text", Origin::Foreign, "#"), None);
    assert_eq!(hide(SECRET, ""), "");
    assert_eq!(hide("abc", "abc"), "abc");
    assert_eq!(hide("", "abc"), "abc");
}

#[test]
fn every_spelling_is_found() {
    let json = serde_json::to_string(SECRET).expect("JSON");
    let json = &json[1..json.len() - 1];
    let twice = serde_json::to_string(json).expect("JSON");
    let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let letters: String = SECRET
        .chars()
        .map(|character| format!("\\u{:04X}", u32::from(character)))
        .collect();
    for spelling in [
        SECRET,
        json,
        &twice[1..twice.len() - 1],
        &form,
        &percent(SECRET),
        &percent(&percent(SECRET)),
        &letters,
        &percent(&letters),
        &SECRET.replace('"', "&#34;").replace('/', "&#47;"),
    ] {
        assert_eq!(hide(SECRET, &format!("a{spelling}b")), "a#b", "{spelling}");
    }
    for before in ["", "u", "u:"] {
        for encode in [base64::encode, base64::encode_url_safe] {
            let encoded = encode(format!("{before}{SECRET}:x"));
            let hidden = hide(SECRET, &format!("Basic {encoded}"));
            assert!(hidden.len() < 20 && hidden.contains('#'), "{hidden}");
        }
    }
}

#[test]
fn long_parts_are_found() {
    for length in RUN..SECRET.len() {
        for start in 0..=SECRET.len() - length {
            for before in 0..STEP {
                let part = &SECRET[start..start + length];
                let before = "_".repeat(before);
                assert_eq!(
                    hide(SECRET, &format!("{before} {part} ")),
                    format!("{before} # ")
                );
            }
        }
    }
    let (one, other) = SECRET.split_at(SECRET.len() / 2);
    assert_eq!(hide(SECRET, &format!("{one} and {other}")), "# and #");
    assert_eq!(hide(SECRET, &SECRET[..RUN - 1]), SECRET[..RUN - 1]);
    let alike = "a".repeat(1000);
    assert_eq!(hide(&alike, &format!("{alike}b{alike}")), "#b#");
}

/// A link to the next page may name the tenant as a token does.
#[test]
fn what_a_token_says_of_its_tenant_is_no_secret() {
    let claims = format!(
        "{{\"tid\":\"{}\",\"x\":\"{}\"}}",
        "a-guid-".repeat(5),
        "y".repeat(90)
    );
    let claims = base64::encode_url_safe(claims);
    let token = format!(
        "eyJhbGciOiJub25lIn0.{claims}.{}",
        "signature-of-some-length"
    );
    let link = format!("https://x/?$skiptoken={}&x=1", &claims[..60]);
    assert_eq!(hide(&token, &link), link);
    assert_eq!(hide(&token, &format!("a {} b", &claims[..100])), "a # b");
    assert_eq!(
        hide(&token, &format!("a {} b", &token[token.len() - 17..])),
        "a # b"
    );
    assert_eq!(hide(&token, &format!("a {token} b")), "a # b");
    let (one, other) = token.split_at(token.len() - 20);
    assert_eq!(hide(&token, &format!("{one} {other}")), "# #");
}

#[test]
fn short_ones_are_words_and_in_foreign_texts_only() {
    for (text, hidden) in [
        ("a word", "a #"),
        (
            "word, words, sword, client-word, word_",
            "#, words, sword, client-word, word_",
        ),
        ("{\"word\": \"word\"}", "{\"word\": \"#\"}"),
        ("w%6frd", "#"),
    ] {
        assert_eq!(hide("word", text), hidden);
    }
    let secrets = Secrets::new(&[SecretString::from("word"), SecretString::from("eightlet")]);
    let data = secrets.hide("word eightlet", Origin::Any, "#");
    assert_eq!(data, "word #");
    let own = secrets.hide(
        "GET /a/eightlet/b: eightlet (POST /eightlet)",
        Origin::Own,
        "#",
    );
    assert_eq!(own, "GET /a/eightlet/b: # (POST /eightlet)");
    let others = secrets.hide("GET /a/eightlet/b", Origin::Any, "#");
    assert_eq!(others, "GET /a/#/b");
}

#[test]
fn data_holds_no_long_secret_as_a_whole() {
    let secrets = Secrets::default();
    secrets.remember_of(
        "`LONG`",
        &SecretString::from("a \"secret\" of some length\n"),
    );
    secrets.remember_of("`SHORT`", &SecretString::from("fifteen-letters"));
    for held in [
        "x a \"secret\" of some length x",
        r#"{"name": "a \"secret\" of some length"}"#,
    ] {
        assert_eq!(
            secrets.whose_is_in(held.as_bytes()).as_deref(),
            Some("`LONG`"),
            "{held}"
        );
        // Cut anywhere, it is found as well.
        for part in 1..held.len() {
            let mut watch = secrets.watch().expect("a secret");
            for part in held.as_bytes().chunks(part) {
                watch.write_all(part).expect("it is taken");
            }
            assert_eq!(watch.owner().as_deref(), Some("`LONG`"), "{held} {part}");
        }
    }
    for other in ["fifteen-letters", "a \"secret\" of some lengt", ""] {
        assert_eq!(secrets.whose_is_in(other.as_bytes()), None, "{other}");
        let mut watch = secrets.watch().expect("a secret");
        watch.write_all(other.as_bytes()).expect("it is taken");
        assert_eq!(watch.owner(), None, "{other}");
    }
    assert_eq!(secrets.hide("fifteen-letters", Origin::Any, "#"), "#");
}

#[test]
fn a_mask_moves_nothing() {
    let secrets = Secrets::new([&SecretString::from("pässword with ö")]);
    let text = "ä: pässword with ö\nb: p\u{e4}ssword%20with ö";
    let masked = secrets.mask(text);
    assert_eq!(masked.chars().count(), text.chars().count());
    assert_eq!(
        masked,
        format!("ä: {}\nb: {}", "*".repeat(15), "*".repeat(17))
    );
    assert!(format!("{secrets:?}").starts_with("Secrets"));
}

#[test]
fn only_what_is_shown_is_masked_and_what_reaches_into_it() {
    let secrets = Secrets::new([&SecretString::from(SECRET)]);
    let far = "ä".repeat(OVERLAP);
    let text = format!("{SECRET}{far}{SECRET}|{}", percent(&percent(SECRET)));
    let at = SECRET.len() + far.len() + SECRET.len();
    let stars = |text: &str| "*".repeat(text.chars().count());
    assert_eq!(secrets.mask_parts(&text, Vec::new()), None);
    assert_eq!(secrets.mask_parts(&far, vec![0..far.len(), 5..5]), None);
    // The mark between the two is all that is shown.
    let masked = secrets
        .mask_parts(&text, vec![at..at, at..at + 1])
        .expect("secrets");
    assert_eq!(
        masked,
        format!(
            "{SECRET}{far}{}|{}",
            stars(SECRET),
            stars(&percent(&percent(SECRET)))
        )
    );
    let all = secrets.mask_parts(&text, vec![0..0, 0..text.len()]);
    assert_eq!(all.as_deref(), Some(&*secrets.mask(&text)));
}

#[test]
fn bytes_need_not_be_text() {
    let secrets = Secrets::new([&SecretString::from("a-token-of-some-length")]);
    let hidden = secrets.hide_bytes(b"\xff a-token-of-some-length \xfe", Origin::Any, "#");
    assert_eq!(hidden.as_deref(), Some(&b"\xff # \xfe"[..]));
    assert_eq!(secrets.hide_bytes(b"\xff", Origin::Any, "#"), None);
}

#[test]
fn large_texts_take_little_time() {
    let token: String = (0..3000_u32)
        .map(|number| char::from(b'!' + (number * 7919 % 90) as u8))
        .collect();
    let secrets = Secrets::new([&SecretString::from(token.as_str())]);
    let text = format!("{}{token}", "%41\\u0041 some text ".repeat(200_000));
    let start = std::time::Instant::now();
    let across = "_".repeat(CHUNK - OVERLAP - 10) + &token;
    assert!(secrets.hide(&across, Origin::Foreign, "#").ends_with("_#"));
    let across = "_".repeat(CHUNK - 10) + &percent(&token);
    assert!(secrets.hide(&across, Origin::Foreign, "#").ends_with("_#"));
    assert!(secrets.hide(&text, Origin::Foreign, "#").ends_with(" #"));
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
}
