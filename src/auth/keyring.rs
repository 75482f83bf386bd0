//! The system's keyring, where a sign-in is kept from one command to the next: Windows' Credential Manager,
//! which forgets it with the session, the keychain of macOS, which does not, the kernel's keyrings on Linux.
//! Those are in memory: the one of the session, and the user's persistent one, which the kernel forgets three
//! days after it was last used (persistent-keyring(7)). None of them needs a library of the system to be built.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use secrecy::{ExposeSecret as _, SecretString};

/// Windows would keep a secret until it is deleted, and carry it to other machines with the profile.
const FOR_THE_SESSION: Option<(&str, &str)> = if cfg!(windows) {
    Some(("persistence", "Session"))
} else {
    None
};

/// The name under which the program's secrets are kept.
const SERVICE: &str = "assignctl";

/// Windows takes no more than 2,560 bytes of a secret
/// (learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw).
const LONGEST_PART: usize = 2000;

/// More parts than any sign-in has.
const MOST_PARTS: usize = 9;

/// The keyring of the one who runs the program. It does not print.
#[derive(Clone)]
pub(super) struct Keyring {
    store: Arc<CredentialStore>,
    /// For how long the store is asked to keep a secret, in its own words.
    kept: Option<(&'static str, &'static str)>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring")
    }
}

impl Keyring {
    /// Opens it; `None` if there is none.
    pub(super) fn open() -> Option<Self> {
        match store() {
            Ok(store) => Some(Self {
                store,
                kept: FOR_THE_SESSION,
            }),
            Err(error) => {
                tracing::info!(%error, "there is no keyring");
                None
            }
        }
    }

    /// Uses another store.
    #[cfg(test)]
    pub(super) fn of(store: Arc<CredentialStore>) -> Self {
        Self { store, kept: None }
    }

    fn entry(&self, name: &str, part: usize) -> Result<Entry, Error> {
        let name = match part {
            0 => name.to_owned(),
            part => format!("{name}#{part}"),
        };
        let kept = self.kept.map(|pair| HashMap::from([pair]));
        self.store.build(SERVICE, &name, kept.as_ref())
    }

    /// Returns what is kept under a name; `None` if that is nothing.
    pub(super) fn read(&self, name: &str) -> Option<SecretString> {
        let part = |number: usize| {
            let entry = self.entry(name, number).ok()?;
            match entry.get_secret() {
                Ok(bytes) => String::from_utf8(bytes).ok(),
                Err(Error::NoEntry) => None,
                Err(error) => {
                    tracing::info!(%error, "the keyring cannot be read");
                    None
                }
            }
        };
        // The first part says how many there are.
        let first = part(0)?;
        let (number, first) = first.split_once(':')?;
        let number: usize = number.parse().ok()?;
        let mut text = first.to_owned();
        for number in 1..number.min(MOST_PARTS) {
            text.push_str(&part(number)?);
        }
        Some(SecretString::from(text))
    }

    /// Keeps a text under a name; says whether that could be done.
    pub(super) fn write(&self, name: &str, secret: &SecretString) -> bool {
        let text = secret.expose_secret();
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.floor_char_boundary(LONGEST_PART.min(rest.len()));
            let (part, further) = rest.split_at(end);
            parts.push(part);
            rest = further;
        }
        if parts.is_empty() || parts.len() > MOST_PARTS {
            return false;
        }
        if let Err(error) = self.try_out() {
            tracing::info!(%error, "the keyring keeps nothing");
            return false;
        }
        let number = parts.len();
        // The first part last: with it the whole is there.
        let written = parts
            .iter()
            .enumerate()
            .rev()
            .try_for_each(|(index, part)| {
                let entry = self.entry(name, index)?;
                match index {
                    0 => entry.set_secret(format!("{number}:{part}").as_bytes()),
                    _ => entry.set_secret(part.as_bytes()),
                }
            });
        match written {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(%error, "the keyring takes nothing");
                if let Err(error) = self.delete(name) {
                    tracing::warn!(%error, "a part of the sign-in may be left in the keyring");
                }
                false
            }
        }
    }

    /// Writes, reads and deletes a dummy value. The kernel may accept a key, refuse to link it, and then
    /// neither find nor delete it.
    fn try_out(&self) -> Result<(), Error> {
        let entry = self.entry(&format!("trial of {}", std::process::id()), 0)?;
        let tried = entry.set_secret(b"trial").and_then(|()| {
            let read = entry.get_secret()?;
            match read == b"trial" {
                true => Ok(()),
                false => Err(Error::BadEncoding(read)),
            }
        });
        // Deleted in any case.
        let deleted = entry.delete_credential();
        tried.and(deleted)
    }

    /// Forgets what is kept under a name; says whether there was something.
    ///
    /// # Errors
    ///
    /// Something may be left.
    pub(super) fn delete(&self, name: &str) -> Result<bool, Error> {
        let mut found = false;
        let mut failed = None;
        // A part may be there though one before it is not.
        for part in 0..MOST_PARTS {
            let deleted = self
                .entry(name, part)
                .and_then(|entry| entry.delete_credential());
            match deleted {
                Ok(()) => found = true,
                Err(Error::NoEntry) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(found),
        }
    }
}

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(linux_keyutils_keyring_store::Store::new()?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NotSupportedByStore(
        "no keyring is known for this system".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_secrets_are_kept_in_parts() {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().expect("a store");
        let keyring = Keyring::of(store);
        assert!(keyring.read("name").is_none());
        for length in [1, 1999, 2000, 2001, 9000] {
            let secret = SecretString::from("ü".repeat(length));
            assert!(keyring.write("name", &secret), "{length}");
            let read = keyring.read("name").expect("a secret");
            assert_eq!(read.expose_secret(), secret.expose_secret());
        }
        assert!(!keyring.write("name", &SecretString::from("x".repeat(20_000))));
        keyring.write("name", &SecretString::from("short"));
        assert!(keyring.delete("name").expect("deleted"));
        assert!(keyring.read("name").is_none());
        assert!(!keyring.delete("name").expect("nothing to delete"));
    }

    /// Fails the next operation on an entry of the mock store.
    fn fail_next(keyring: &Keyring, name: &str, part: usize) {
        let entry = keyring.entry(name, part).expect("an entry");
        let cred = entry.as_any().downcast_ref::<keyring_core::mock::Cred>();
        let reason = Error::NoStorageAccess("a refusal".into());
        cred.expect("a mock").set_error(reason);
    }

    #[test]
    fn nothing_is_written_to_a_keyring_that_refuses_a_trial() {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().expect("a store");
        let keyring = Keyring::of(store);
        fail_next(&keyring, &format!("trial of {}", std::process::id()), 0);
        assert!(!keyring.write("name", &SecretString::from("secret")));
        assert!(keyring.read("name").is_none());
        assert!(!keyring.delete("name").expect("nothing to delete"));
        // With the next trial it works.
        assert!(keyring.write("name", &SecretString::from("secret")));
    }

    #[test]
    fn deleting_goes_on_after_a_part_that_is_missing_or_refused() {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().expect("a store");
        let keyring = Keyring::of(store);
        let exists = |part| {
            let entry = keyring.entry("name", part).expect("an entry");
            entry.get_secret().is_ok()
        };
        assert!(keyring.write("name", &SecretString::from("x".repeat(5000))));
        let first = keyring.entry("name", 0).expect("an entry");
        first.delete_credential().expect("deleted");
        assert!(exists(1) && exists(2));
        assert!(keyring.delete("name").expect("deleted"));
        assert!(!exists(1) && !exists(2));
        assert!(keyring.write("name", &SecretString::from("x".repeat(5000))));
        fail_next(&keyring, "name", 0);
        assert!(keyring.delete("name").is_err());
        assert!(exists(0) && !exists(1) && !exists(2));
        assert!(keyring.delete("name").expect("deleted"));
    }
}
