//! The device code flow (RFC 8628): a person signs in with a browser somewhere, and the program asks until
//! that is done.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::http::{self, Answer, AuthHttp};
use super::{Method, SignInError, Token, refusal};
use crate::text::excerpt;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long to wait between two questions if the service does not say (RFC 8628, 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// By how much longer after each `slow_down` (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The service may ask for no longer waits than this.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// Codes live for a quarter of an hour; none lives longer than this.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// The program as an application that has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicClient {
    /// https, or http to a loopback address.
    pub(super) authority: Url,
    /// A tenant's id or domain, or `organizations`.
    pub(super) tenant: String,
    pub(super) client_id: String,
    /// What is asked for, with Graph's address before each.
    pub(super) scopes: Vec<String>,
}

/// What the person has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// Where to go.
    pub address: String,
    /// What to type there.
    pub code: String,
}

/// A token, and what brings the next one.
pub(super) struct Granted {
    pub(super) token: Token,
    pub(super) refresh_token: Option<SecretString>,
}

/// A form to be sent.
type Form = Vec<(&'static str, String)>;

impl PublicClient {
    fn scope(&self) -> String {
        // `offline_access` brings a token that renews the session.
        format!("{} offline_access openid profile", self.scopes.join(" "))
    }

    /// Sends a form to an endpoint of the tenant.
    async fn post(
        &self,
        connection: &AuthHttp,
        endpoint: &str,
        form: Form,
    ) -> Result<Answer, SignInError> {
        let url = http::endpoint(&self.authority, &self.tenant, endpoint)?;
        for (name, value) in &form {
            if matches!(*name, "device_code" | "refresh_token") {
                connection.remember(name, value);
            }
        }
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        connection
            .send(
                reqwest::Method::POST,
                &url,
                &headers,
                Some(body.into_bytes()),
            )
            .await
    }

    /// Lets a person sign in.
    pub(super) async fn sign_in(
        &self,
        show: &(dyn Fn(&DeviceCode) + Send + Sync),
    ) -> Result<Granted, SignInError> {
        let http = &AuthHttp::default();
        self.flow(show, |endpoint, form| self.post(http, endpoint, form))
            .await
    }

    /// Gets another token with what an earlier one brought.
    pub(super) async fn renew(&self, refresh_token: &SecretString) -> Result<Granted, SignInError> {
        let http = AuthHttp::to_authority(&self.authority, refresh_token);
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", self.client_id.clone()),
            ("refresh_token", refresh_token.expose_secret().to_owned()),
            ("scope", self.scope()),
        ];
        let answer = self.post(&http, "token", form).await?;
        match answer.status {
            200 => granted(&answer),
            _ => Err(refusal::from_answer(&answer)),
        }
    }

    /// The flow itself. `post` sends a form to an endpoint of the tenant.
    async fn flow<A: Future<Output = Result<Answer, SignInError>>>(
        &self,
        show: &(dyn Fn(&DeviceCode) + Send + Sync),
        post: impl Fn(&'static str, Form) -> A,
    ) -> Result<Granted, SignInError> {
        let too_late = |status| SignInError::Refused {
            status,
            code: Some(70_020),
            text: "the code was not used in time".to_owned(),
        };
        let form = vec![
            ("client_id", self.client_id.clone()),
            ("scope", self.scope()),
        ];
        let answer = post("devicecode", form).await?;
        if answer.status != 200 {
            return Err(refusal::from_answer(&answer));
        }
        let Some(begun) = Begun::read(&answer) else {
            return Err(SignInError::failed(format!(
                "the response holds no code to sign in with: {}",
                excerpt(&answer.body)
            )));
        };
        show(&begun.shown);
        let end = Instant::now() + begun.life;
        let mut interval = begun.interval;
        loop {
            tokio::time::sleep(interval).await;
            if Instant::now() >= end {
                return Err(too_late(400));
            }
            let form = vec![
                ("grant_type", GRANT.to_owned()),
                ("client_id", self.client_id.clone()),
                ("device_code", begun.device_code.clone()),
            ];
            let answer = match post("token", form).await {
                Ok(answer) => answer,
                // The connection may be back by the next time.
                Err(SignInError::Failed(reason)) => {
                    tracing::info!(%reason, "asking for the token failed");
                    interval = slower(interval);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if answer.status == 200 {
                return granted(&answer);
            }
            let word = word_of(&answer);
            match word.as_str() {
                "authorization_pending" => interval = interval.max(Duration::from_secs(1)),
                "slow_down" => interval = slower(interval),
                // Words of the protocol, with what they mean.
                "authorization_declined" | "access_denied" => {
                    return Err(SignInError::failed(
                        "the sign-in was declined in the browser",
                    ));
                }
                "expired_token" | "code_expired" => return Err(too_late(answer.status)),
                _ if answer.status >= 500 || answer.status == 429 => interval = slower(interval),
                _ => return Err(refusal::from_answer(&answer)),
            }
        }
    }
}

fn slower(interval: Duration) -> Duration {
    (interval + SLOWER).min(LONGEST_INTERVAL)
}

fn word_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["error"].as_str().unwrap_or_default().to_owned()
}

/// A sign-in that has begun.
struct Begun {
    shown: DeviceCode,
    device_code: String,
    interval: Duration,
    life: Duration,
}

impl Begun {
    fn read(answer: &Answer) -> Option<Self> {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let seconds = |name: &str, usual: Duration, most: Duration| {
            let given = body[name].as_u64().map(Duration::from_secs);
            given.unwrap_or(usual).min(most)
        };
        Some(Self {
            shown: DeviceCode {
                // RFC 8628 says `verification_uri`; Entra says so too, and once said `verification_url`.
                address: text("verification_uri")
                    .or_else(|| text("verification_url"))?
                    .to_owned(),
                code: text("user_code")?.to_owned(),
            },
            device_code: text("device_code")?.to_owned(),
            interval: seconds("interval", INTERVAL, LONGEST_INTERVAL),
            life: seconds("expires_in", Duration::from_secs(900), LONGEST_LIFE),
        })
    }
}

fn granted(answer: &Answer) -> Result<Granted, SignInError> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let secret = |name: &str| {
        let text = body[name].as_str().filter(|text| !text.is_empty())?;
        super::token::usable(text).ok()
    };
    let Some(access) = secret("access_token") else {
        // What it holds may be a token all the same.
        return Err(SignInError::failed("the response holds no token"));
    };
    let lifetime = body["expires_in"]
        .as_u64()
        .map_or(Duration::ZERO, Duration::from_secs);
    Ok(Granted {
        token: Token::new(access, Some(lifetime)).by(Method::Login),
        refresh_token: secret("refresh_token"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    fn client() -> PublicClient {
        PublicClient {
            authority: Url::parse("https://login.example").expect("a URL"),
            tenant: "organizations".to_owned(),
            client_id: "client".to_owned(),
            scopes: vec!["https://graph.example/A.Read".to_owned()],
        }
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status,
            body: body.to_string().into_bytes(),
        }
    }

    /// Gives its answers one after the other, and notes when each was asked for.
    struct Scripted {
        begun: Value,
        answers: Mutex<Vec<Answer>>,
        asked: Mutex<Vec<u64>>,
        start: Instant,
    }

    impl Scripted {
        async fn post(&self, endpoint: &str, form: Form) -> Result<Answer, SignInError> {
            let has =
                |name: &str, value: &str| form.iter().any(|pair| *pair == (name, value.to_owned()));
            if endpoint == "devicecode" {
                assert!(has(
                    "scope",
                    "https://graph.example/A.Read offline_access openid profile"
                ));
                return Ok(answer(200, &self.begun));
            }
            assert!(has("device_code", "device"));
            let now = self.start.elapsed().as_secs();
            self.asked.lock().expect("no panic").push(now);
            let next = self.answers.lock().expect("no panic").pop();
            next.ok_or_else(|| SignInError::failed("no connection".to_owned()))
        }
    }

    /// Goes through the flow with these answers of the token endpoint, and returns when each was asked for.
    async fn go(begun: Value, mut answers: Vec<Answer>) -> (Vec<u64>, Result<(), SignInError>) {
        answers.reverse();
        let scripted = Scripted {
            begun,
            answers: Mutex::new(answers),
            asked: Mutex::default(),
            start: Instant::now(),
        };
        let shown = Mutex::new(None);
        let show = |code: &DeviceCode| *shown.lock().expect("no panic") = Some(code.clone());
        let client = client();
        let post = |endpoint, form| scripted.post(endpoint, form);
        let outcome = client.flow(&show, post).await;
        assert!(shown.lock().expect("no panic").is_some());
        (
            scripted.asked.into_inner().expect("no panic"),
            outcome.map(drop),
        )
    }

    fn begun() -> Value {
        json!({"device_code": "device", "user_code": "ABCD", "verification_uri": "https://login.example/device",
            "expires_in": 900, "interval": 5})
    }

    fn error(word: &str) -> Answer {
        answer(400, &json!({"error": word}))
    }

    fn token() -> Answer {
        answer(
            200,
            &json!({"access_token": "a-token-of-some-length", "expires_in": 3599, "refresh_token": "r"}),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_says_how_often_it_is_asked() {
        let answers = vec![
            error("authorization_pending"),
            error("slow_down"),
            error("authorization_pending"),
            answer(503, &json!({})),
            token(),
        ];
        let (asked, outcome) = go(begun(), answers).await;
        assert_eq!(asked, [5, 10, 20, 30, 45]);
        assert_eq!(outcome, Ok(()));
        // A service that names no interval, and one that would be asked without end.
        let mut other = begun();
        other["interval"] = json!(null);
        assert_eq!(go(other.clone(), vec![token()]).await.0, [5]);
        other["interval"] = json!(0);
        let answers = vec![error("authorization_pending"), token()];
        assert_eq!(go(other, answers).await.0, [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_ends_with_its_time_or_when_it_is_refused() {
        let (asked, outcome) = go(begun(), Vec::new()).await;
        assert!(asked.last().is_some_and(|last| *last < 900), "{asked:?}");
        assert!(matches!(
            outcome,
            Err(SignInError::Refused {
                code: Some(70_020),
                ..
            })
        ));
        for (given, message) in [
            (error("authorization_declined"), "declined"),
            (error("expired_token"), "not used in time"),
            (
                answer(
                    400,
                    &json!({"error": "invalid_grant", "error_codes": [53003],
                    "error_description": "AADSTS53003: Access has been blocked by Conditional Access policies."}),
                ),
                "AADSTS53003",
            ),
            (answer(200, &json!({"token": "x"})), "holds no token"),
        ] {
            let (asked, outcome) = go(begun(), vec![given]).await;
            assert_eq!(asked, [5]);
            let error = outcome.expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
