//! A headless Chromium, spoken to over pipes: the DevTools protocol as messages that end with a NUL.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a browser may take for a whole test, in seconds.
const PATIENCE: &str = "120";

/// If it is set, a browser that is missing fails the test. `.ci/run` sets it where it has installed one.
const REQUIRED: &str = "ASSIGNCTL_TEST_BROWSER";

/// Finds the browser; `None` if there is none and none is required.
pub(in crate::cli) fn find() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = found.find(|path| path.is_file());
    assert!(
        found.is_some() || std::env::var_os(REQUIRED).is_none(),
        "there is no Chromium"
    );
    found
}

/// A browser with one page.
pub(in crate::cli) struct Browser {
    /// Holds its profile and its pipes.
    _folder: TempDir,
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    last_id: u64,
    /// The addresses that were asked for.
    requested: Vec<String>,
}

impl Browser {
    pub(in crate::cli) fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [to, from] = ["to", "from"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").args([&to, &from]).status();
        assert!(made.expect("the command mkfifo").success());
        let profile = folder.path().join("profile");
        let child = Command::new("sh")
            .args([
                "-c",
                "exec timeout \"$@\" 3<\"$TO\" 4>\"$FROM\"",
                "sh",
                PATIENCE,
            ])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
                "--window-size=1280,800",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut browser = Self {
            child,
            // In the order in which the shell opens them: each side waits for the other.
            to: OpenOptions::new().write(true).open(&to).expect("a pipe"),
            from: BufReader::new(File::open(&from).expect("a pipe")),
            session: None,
            last_id: 0,
            requested: Vec::new(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the protocol.
    pub(in crate::cli) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut call = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let mut text = call.to_string().into_bytes();
        text.push(0);
        self.to.write_all(&text).expect("a browser that listens");
        loop {
            let message = self.next();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self) -> Value {
        let mut text = Vec::new();
        self.from.read_until(0, &mut text).expect("a message");
        assert_eq!(text.pop(), Some(0), "the browser has gone");
        let message: Value = serde_json::from_slice(&text).expect("JSON");
        if message["method"] == "Network.requestWillBeSent" {
            let url = message["params"]["request"]["url"].as_str();
            self.requested.push(url.expect("an address").to_owned());
        }
        message
    }

    /// Opens a file, with what follows `#` in its address.
    pub(in crate::cli) fn open(&mut self, file: &Path, fragment: &str) {
        let url = format!("file://{}#{fragment}", file.display());
        // From another page, so that a new fragment is a new page too.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.call("Page.navigate", json!({"url": url}));
        let loaded = "new Promise((done) => document.readyState === 'complete' ? done(true) : addEventListener('load', () => done(true)))";
        assert_eq!(self.eval(loaded), json!(true));
    }

    /// Evaluates an expression in the page.
    pub(in crate::cli) fn eval(&mut self, expression: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        let exception = &result["exceptionDetails"];
        assert!(exception.is_null(), "{expression}: {exception}");
        result["result"]["value"].clone()
    }

    /// Returns what an element says.
    pub(in crate::cli) fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({selector:?}).textContent"));
        text.as_str().expect("text").to_owned()
    }

    /// Returns what all elements that are drawn say.
    pub(in crate::cli) fn texts(&mut self, selector: &str) -> Vec<String> {
        let texts = self.eval(&format!(
            "[...document.querySelectorAll({selector:?})].map((found) => found.textContent)"
        ));
        let texts = texts.as_array().expect("a list").iter();
        texts
            .map(|text| text.as_str().expect("text").to_owned())
            .collect()
    }

    /// Presses keys, as the keyboard would.
    pub(in crate::cli) fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let text = if key.chars().count() == 1 { key } else { "" };
            for kind in ["keyDown", "keyUp"] {
                let text = if kind == "keyDown" { text } else { "" };
                self.call(
                    "Input.dispatchKeyEvent",
                    json!({"type": kind, "key": key, "text": text}),
                );
            }
        }
        // What a key scrolls is drawn with the next frame.
        self.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
    }

    /// Types a text where the cursor is.
    pub(in crate::cli) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Makes the system's colours light or dark.
    pub(in crate::cli) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Takes a picture of a window of a size, as PNG in Base64.
    pub(in crate::cli) fn picture(&mut self, width: u32, height: u32) -> String {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"}));
        taken["data"].as_str().expect("a picture").to_owned()
    }

    /// Returns the addresses that were asked for so far.
    pub(in crate::cli) fn requested(&self) -> &[String] {
        &self.requested
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends its own processes if it is asked to.
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.child.wait();
    }
}
