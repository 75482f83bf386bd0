//! `$filter`: the forms that the tools are known to send (facts, section 4), and no others.

use serde_json::{Map, Value};

use crate::reply::Fault;

/// What a collection allows in `$filter`.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// Properties that may be compared by `eq`.
    pub(crate) properties: &'static [&'static str],
    /// Functions of a property and a text.
    pub(crate) functions: &'static [(&'static str, &'static str)],
    /// Whether `in (…)` is known.
    pub(crate) in_list: bool,
    /// Whether `not` is known.
    pub(crate) not: bool,
    /// Whether texts are compared without case.
    pub(crate) ignore_case: bool,
}

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Predicate {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// The property is one of the values.
    In(String, Vec<Value>),
    Contains(String, String),
    StartsWith(String, String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

/// How deep parentheses may go; the parser is recursive.
const DEEPEST: usize = 40;

/// How many words, texts and signs there may be; a chain of `or` is as deep as it is long.
const LONGEST: usize = 4000;

impl Predicate {
    /// Reads a filter.
    pub(crate) fn parse(text: &str, grammar: &Grammar) -> Result<Self, Fault> {
        let tokens = tokens(text)?;
        if tokens.len() > LONGEST {
            return Err(invalid("the expression is too long"));
        }
        let mut parser = Parser {
            tokens: &tokens,
            grammar,
        };
        let predicate = parser.or(0)?;
        match parser.tokens.first() {
            None => Ok(predicate),
            Some(token) => Err(invalid(&format!("unexpected {}", show(token)))),
        }
    }

    /// Whether an object passes.
    pub(crate) fn matches(&self, object: &Map<String, Value>, ignore_case: bool) -> bool {
        let fold = |text: &str| {
            if ignore_case {
                text.to_lowercase()
            } else {
                text.to_owned()
            }
        };
        let text = |name: &str| property(object, name).and_then(Value::as_str).map(fold);
        match self {
            Self::And(one, other) => {
                one.matches(object, ignore_case) && other.matches(object, ignore_case)
            }
            Self::Or(one, other) => {
                one.matches(object, ignore_case) || other.matches(object, ignore_case)
            }
            Self::Not(inner) => !inner.matches(object, ignore_case),
            Self::In(name, values) => {
                let Some(own) = property(object, name) else {
                    return false;
                };
                let text = own.as_str().map(fold);
                values.iter().any(|value| match value {
                    Value::String(wanted) => text.as_ref() == Some(&fold(wanted)),
                    _ => own == value,
                })
            }
            Self::Contains(name, part) => text(name).is_some_and(|text| text.contains(&fold(part))),
            Self::StartsWith(name, part) => {
                text(name).is_some_and(|text| text.starts_with(&fold(part)))
            }
        }
    }

    /// Counts the clauses, if there is an `or` or a list among them.
    pub(crate) fn clauses(&self) -> usize {
        match self {
            Self::And(one, other) | Self::Or(one, other) => one.clauses() + other.clauses(),
            Self::Not(inner) => inner.clauses(),
            Self::In(_, values) => values.len(),
            Self::Contains(..) | Self::StartsWith(..) => 1,
        }
    }
}

fn property<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut keys = name.split('/');
    let first = object.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

struct Parser<'a> {
    tokens: &'a [Token],
    grammar: &'a Grammar,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(word)) if word == wanted);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Fault> {
        match self.next() {
            Some(token) if token == *wanted => Ok(()),
            other => Err(invalid(&format!(
                "expected {}, got {}",
                show(wanted),
                end(other)
            ))),
        }
    }

    fn or(&mut self, depth: usize) -> Result<Predicate, Fault> {
        let mut left = self.and(depth)?;
        while self.word("or") {
            left = Predicate::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<Predicate, Fault> {
        let mut left = self.one(depth)?;
        while self.word("and") {
            left = Predicate::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Predicate, Fault> {
        if depth > DEEPEST {
            return Err(invalid("the expression is nested too deep"));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.or(depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word == "not" => {
                if !self.grammar.not {
                    return Err(invalid("`not` is not supported here"));
                }
                Ok(Predicate::Not(Box::new(self.one(depth + 1)?)))
            }
            Some(Token::Word(word)) if self.tokens.first() == Some(&Token::Open) => {
                self.function(&word)
            }
            Some(Token::Word(word)) => self.comparison(word),
            other => Err(invalid(&format!("expected a property, got {}", end(other)))),
        }
    }

    fn function(&mut self, name: &str) -> Result<Predicate, Fault> {
        self.expect(&Token::Open)?;
        let Some(Token::Word(property)) = self.next() else {
            return Err(invalid(&format!("`{name}` needs a property first")));
        };
        self.expect(&Token::Comma)?;
        let Some(Token::Text(part)) = self.next() else {
            return Err(invalid(&format!("`{name}` needs a text in quotes")));
        };
        self.expect(&Token::Close)?;
        if !self.grammar.functions.contains(&(name, property.as_str())) {
            return Err(invalid(&format!("`{name}({property},…)` is not supported")));
        }
        Ok(match name {
            "contains" => Predicate::Contains(property, part),
            _ => Predicate::StartsWith(property, part),
        })
    }

    fn comparison(&mut self, property: String) -> Result<Predicate, Fault> {
        if !self.grammar.properties.contains(&property.as_str()) {
            return Err(invalid(&format!(
                "the property '{property}' can't be filtered by"
            )));
        }
        if self.word("eq") {
            let value = self.value()?;
            return Ok(Predicate::In(property, vec![value]));
        }
        if self.grammar.in_list && self.word("in") {
            self.expect(&Token::Open)?;
            let mut values = vec![self.value()?];
            loop {
                match self.next() {
                    Some(Token::Comma) => values.push(self.value()?),
                    Some(Token::Close) => return Ok(Predicate::In(property, values)),
                    other => return Err(invalid(&format!("expected `)`, got {}", end(other)))),
                }
            }
        }
        let got = end(self.next());
        Err(invalid(&format!(
            "expected `eq` after '{property}', got {got}"
        )))
    }

    fn value(&mut self) -> Result<Value, Fault> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Word(word)) if word == "true" => Ok(Value::Bool(true)),
            Some(Token::Word(word)) if word == "false" => Ok(Value::Bool(false)),
            other => Err(invalid(&format!("expected a value, got {}", end(other)))),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            ' ' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut content = String::new();
                loop {
                    match rest.next() {
                        // A quote within a text is doubled.
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            content.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => content.push(other),
                        None => return Err(invalid("there is an unterminated string literal")),
                    }
                }
                tokens.push(Token::Text(content));
            }
            first if first.is_ascii_alphanumeric() => {
                let mut word = String::from(first);
                while let Some(more) =
                    rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_'))
                {
                    word.push(more);
                }
                tokens.push(Token::Word(word));
            }
            other => return Err(invalid(&format!("syntax error at '{other}'"))),
        }
    }
    Ok(tokens)
}

fn show(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Text(text) => format!("'{text}'"),
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::Comma => "`,`".to_owned(),
    }
}

fn end(token: Option<Token>) -> String {
    token.map_or_else(|| "the end".to_owned(), |token| show(&token))
}

fn invalid(what: &str) -> Fault {
    Fault::bad_request(format!("Invalid filter clause: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GRAMMAR: Grammar = Grammar {
        properties: &["name", "t/f", "on"],
        functions: &[("contains", "name")],
        in_list: true,
        not: true,
        ignore_case: false,
    };

    #[test]
    fn filters_let_through_what_they_say() {
        let object = json!({"name": "O'Neil – Ü", "t": {"f": "none"}, "on": true});
        let cases = [
            ("name eq 'O''Neil – Ü'", true),
            ("name eq 'o''neil – ü'", false),
            ("contains(name,'Neil')", true),
            ("contains(name, 'x') or t/f eq 'none'", true),
            ("not (t/f eq 'none')", false),
            ("on eq true and (name eq 'x' or on eq true)", true),
            ("name eq 'x' or on eq true and t/f eq 'x'", false),
            ("name in ('x','O''Neil – Ü')", true),
        ];
        for (text, expected) in cases {
            let predicate = Predicate::parse(text, &GRAMMAR).expect(text);
            let object = object.as_object().expect("an object");
            assert_eq!(predicate.matches(object, false), expected, "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let deep = "(".repeat(100_000);
        for text in [
            "",
            " ",
            "name",
            "name ne 'x'",
            "size eq 'x'",
            "name eq x",
            "name eq 'x",
            "startswith(name,'x')",
            "name in ()",
            "name eq 'x' name",
            "(name eq 'x'",
            "name eq \"x\"",
            &deep,
            &"not ".repeat(100_000),
            &"on eq true or ".repeat(100_000),
        ] {
            assert!(Predicate::parse(text, &GRAMMAR).is_err());
        }
    }
}
