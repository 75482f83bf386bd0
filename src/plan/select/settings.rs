//! What settings of an app may not fit: its type, the intent, or what is live.

use crate::diagnostic::Diagnostic;
use crate::kinds::app_settings;
use crate::manifest::{WantedProperties, WantedSetting};
use crate::model::{Desired, LivePolicy};
use crate::text::all_of;

/// Finds what is wrong or odd about the settings that are wanted of an assignment.
pub(super) fn check(
    wanted: &WantedProperties,
    desired: &Desired,
    live: &LivePolicy,
) -> Option<Diagnostic> {
    check_type(wanted, live)
        .or_else(|| check_final(wanted, desired, live))
        .or_else(|| check_intent(wanted, desired, live))
}

/// Finds settings that the type of an app does not have.
fn check_type(wanted: &WantedProperties, live: &LivePolicy) -> Option<Diagnostic> {
    let settings = wanted.settings.as_ref()?;
    let first = settings.value.first()?;
    let Some(odata_type) = live.odata_type.as_deref() else {
        let message = "the service does not say the type of the app, which decides on its settings";
        return Some(Diagnostic::error(
            "setting-not-allowed",
            settings.place,
            message,
        ));
    };
    let Some(known) = app_settings::settings_of(odata_type) else {
        let mut without = app_settings::WITHOUT_SETTINGS.iter();
        let takes_none = without.any(|name| name.eq_ignore_ascii_case(odata_type));
        let message = match takes_none {
            true => format!("an app of the type {odata_type} takes no settings"),
            false => format!(
                "the program does not know apps of the type {odata_type}, so no manifest can name their settings"
            ),
        };
        let error = Diagnostic::error("setting-not-allowed", first.value.place, message);
        return Some(match takes_none {
            true => error,
            false => error.hint("remove `settings`: those that are there stay as they are"),
        });
    };
    let path = |setting: &WantedSetting| setting.name.trim_start_matches("settings.").to_owned();
    let mut all = settings.value.iter();
    let unknown = all.find(|setting| known.value_at(&path(setting)).is_none())?;
    let name = path(unknown);
    let message = format!("an app of the type {odata_type} has no setting `{name}`");
    let names: Vec<&str> = known.members.iter().map(|member| member.name).collect();
    let error = Diagnostic::error("setting-not-allowed", unknown.value.place, message);
    Some(error.hint(format!("it has {}", all_of(&names))))
}

/// Finds a setting that is to change where the service does not change it.
fn check_final(
    wanted: &WantedProperties,
    desired: &Desired,
    live: &LivePolicy,
) -> Option<Diagnostic> {
    const NAME: &str = app_settings::STAYS_ON;
    let name = format!("settings.{NAME}");
    let mut settings = wanted.settings.iter().flat_map(|settings| &settings.value);
    let setting = settings.find(|setting| *setting.name == *name)?;
    let mut same_target = live.assignments_of(&desired.key.target).iter();
    let live = same_target.find(|live| live.key == desired.key)?;
    let is_on = |value: Option<&str>| value == Some("true");
    if is_on(setting.value.value.as_deref()) || !is_on(live.properties.get(&name).map(|on| &**on)) {
        return None;
    }
    let message = format!("`{NAME}` cannot be switched off for an assignment that has it");
    let doubt = Diagnostic::warning("setting-cannot-change", setting.value.place, message);
    Some(doubt.hint(
        "remove the assignment, apply, and add it again; source: learn.microsoft.com: windowsUniversalAppXAppAssignmentSettings",
    ))
}

/// Finds settings that do not go with the intent. One without a value goes with all.
fn check_intent(
    wanted: &WantedProperties,
    desired: &Desired,
    live: &LivePolicy,
) -> Option<Diagnostic> {
    let intent = desired.key.variant.as_deref()?;
    let known = app_settings::settings_of(live.odata_type.as_deref()?)?;
    let same_target = live.assignments_of(&desired.key.target);
    if same_target.iter().any(|live| desired.accepts(live)) {
        return None;
    }
    let settings = wanted.settings.iter().flat_map(|settings| &settings.value);
    let valued = settings.filter(|setting| {
        let value = setting.value.value.as_deref();
        value.is_some_and(|value| value != "null")
    });
    let broken: Vec<_> = valued
        .filter_map(|setting| {
            let name = setting.name.strip_prefix("settings.")?;
            let rule = app_settings::broken_rule(known.odata_type, name, intent)?;
            Some((setting.value.place, name, rule))
        })
        .collect();
    let (place, _, rule) = broken.first()?;
    let names: Vec<&str> = broken.iter().map(|(_, name, _)| *name).collect();
    let message = format!(
        "{} may be rejected with the intent `{intent}`",
        all_of(&names)
    );
    let doubt = Diagnostic::warning("setting-and-intent", *place, message);
    Some(doubt.hint(format!(
        "it goes with {}; source: {}",
        all_of(rule.intents),
        rule.source
    )))
}
