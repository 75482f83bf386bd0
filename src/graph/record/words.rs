//! The words that a record may hold: the program's own tables, and what the service's schema has besides.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::kinds::app_settings::{APP_SETTINGS, INTENTS, Setting, SettingValue};
use crate::kinds::{FILTER_PLATFORMS, KINDS, POLICY_PLATFORMS, Permissions};

/// Values of enumerations that no table of the program has (microsoftgraph/msgraph-metadata).
const ENUMERATIONS: &[&str] = &[
    "none",
    "include",
    "exclude",
    "direct",
    "policySets",
    "apply",
    "remove",
    "true",
    "false",
    // Technologies.
    "mdm",
    "windows10XManagement",
    "configManager",
    "appleRemoteManagement",
    "microsoftSense",
    "exchangeOnline",
    "mobileApplicationManagement",
    "linuxMdm",
    "enrollment",
    "endpointPrivilegeManagement",
    "windowsOsRecovery",
    "unknownFutureValue",
    "unknown",
    // Filters, apps, and requests for approval.
    "devices",
    "apps",
    "published",
    "notPublished",
    "processing",
    "needsApproval",
    "approved",
    "rejected",
    "cancelled",
    "completed",
    "expired",
    "notApplicable",
    "configurationPolicy",
    "compliancePolicy",
    "script",
    "app",
    "role",
    "tenantConfiguration",
    // The directory and the audit events.
    "DynamicMembership",
    "Unified",
    "HiddenMembership",
    "Paused",
    "On",
    "Success",
    "Failure",
    "group",
    "eventual",
    "application",
    "ItPro",
    "Create",
    "Patch",
    "Delete",
    "Action",
    "Get",
];

/// Segments of paths besides the collections of kinds.
const SEGMENTS: &[&str] = &[
    "beta",
    "v1.0",
    "deviceManagement",
    "deviceAppManagement",
    "assignments",
    "assign",
    "update",
    "items",
    "assignmentFilters",
    "auditEvents",
    "operationApprovalPolicies",
    "operationApprovalRequests",
    "cancelMyRequest",
    "managedDeviceOverview",
    "groups",
    "users",
    "devices",
    "directory",
    "deletedItems",
    "directoryObjects",
    "getByIds",
    "transitiveMembers",
    "transitiveMemberOf",
    "members",
    "$batch",
    "$count",
    "$entity",
    "$metadata",
    "Collection",
];

/// Types that stand in paths, without their prefix.
const CASTS: &[&str] = &[
    "assign",
    "device",
    "group",
    "managedDeviceMobileAppConfiguration",
    "servicePrincipal",
    "user",
];

/// Codes of errors (microsoft-graph-docs-contrib: concepts/errors.md, and what reports of them quote).
const CODES: &[&str] = &[
    "Authorization_RequestDenied",
    "BadRequest",
    "CancelledOnServiceTimeout",
    "ConditionNotMet",
    "Conflict",
    "FailedDependency",
    "Forbidden",
    "InternalServerError",
    "InvalidAuthenticationToken",
    "MethodNotAllowed",
    "ModelValidationFailure",
    "No method match route template",
    "NotFound",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "Request_UnsupportedQuery",
    "ResourceNotFound",
    "ServiceUnavailable",
    "TooManyRequests",
    "UnknownError",
    "Unauthorized",
    "UriTooLong",
];

/// Beginnings and parts of messages that say nothing of a tenant.
const PHRASES: &[&str] = &[
    "No OData route exists that match template",
    "Resource not found for the segment",
    "Query option 'Expand' is not allowed",
    "is not supported for",
    "Invalid page size specified",
    "for $top query option",
    "Too many child clauses specified in search filter expression",
    "Number of batch request steps exceeds the maximum value",
    "Insufficient privileges to complete the operation",
    "Application is not authorized to perform this operation",
    "does not exist or one of its queried reference-property objects are not present",
    "'x-msft-approval-justification' is required",
    "An active Approval Request already exists",
    "Approval Required",
    "Skip token is not valid",
    "$count is not currently supported",
    "Access token",
    "Lifetime validation failed",
    "Too many requests",
    "Invalid GroupId",
    "An internal server error has occurred",
    "An error has occurred",
];

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut words: HashSet<&'static str> = ENUMERATIONS.iter().copied().collect();
    for list in [INTENTS, POLICY_PLATFORMS, FILTER_PLATFORMS, CODES] {
        words.extend(list);
    }
    for spec in KINDS {
        words.extend([spec.name, spec.collection, spec.name_property]);
        words.extend(spec.writing.parameter());
    }
    for permissions in Permissions::ALL {
        words.extend([permissions.read(), permissions.write()]);
    }
    words.extend([
        "Device.Read.All",
        "Directory.Read.All",
        "Group.Read.All",
        "GroupMember.Read.All",
    ]);
    for settings in APP_SETTINGS {
        settings
            .members
            .iter()
            .for_each(|member| add(&mut words, member));
    }
    words
});

fn add(words: &mut HashSet<&'static str>, member: &Setting) {
    match &member.value {
        SettingValue::Word(known) => words.extend(*known),
        SettingValue::ObjectOrNull(members) => {
            members.iter().for_each(|member| add(words, member));
        }
        _ => {}
    }
}

/// Whether a text is a word of a table, or several of them with commas between.
pub(super) fn is_known(text: &str) -> bool {
    text.split(',').all(|word| WORDS.contains(word.trim()))
}

/// Whether a text is a type of Graph's schema: `#microsoft.graph.` and letters.
pub(super) fn is_type(text: &str) -> bool {
    let text = text.strip_prefix('#').unwrap_or(text);
    let Some(name) = text.strip_prefix("microsoft.graph.") else {
        return false;
    };
    !name.is_empty() && name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a property holds what people have named.
pub(super) fn is_name(key: &str) -> bool {
    const NAMES: [&str; 10] = [
        "description",
        "displayName",
        "name",
        "notes",
        "payloadName",
        "profileName",
        "publisher",
        "rule",
        "upn",
        "userPrincipalName",
    ];
    NAMES.contains(&key)
}

/// Whether a text is a segment of a path that is the same for every tenant. A user may be called like a
/// type, so only those are known that the program casts to.
pub(super) fn is_segment(text: &str) -> bool {
    SEGMENTS.contains(&text)
        || text
            .strip_prefix("microsoft.graph.")
            .is_some_and(|name| CASTS.contains(&name))
        || KINDS
            .iter()
            .any(|spec| spec.collection.rsplit('/').next() == Some(text))
}

/// Whether a text may be the name of a property: as Graph spells them, without what an administrator's
/// text would have.
pub(super) fn is_property(text: &str) -> bool {
    const OF_WRAPPED: [&str; 8] = [
        "Message",
        "CustomApiErrorPhrase",
        "RetryAfter",
        "ErrorSourceService",
        "HttpHeaders",
        "_version",
        "Content-Type",
        "ConsistencyLevel",
    ];
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'#');
    OF_WRAPPED.contains(&text)
        || is_header(text)
        || (text.len() <= 64
            && digits <= 4
            && text.starts_with(|first: char| {
                first.is_ascii_lowercase() || matches!(first, '@' | '#')
            })
            && text.bytes().all(is_plain))
}

/// Headers that are recorded.
const HEADERS: &[&str] = &[
    "client-request-id",
    "consistencylevel",
    "content-type",
    "date",
    "location",
    "request-id",
    "retry-after",
    "www-authenticate",
    "x-ms-resource-unit",
    "x-ms-throttle-information",
    "x-ms-throttle-limit-percentage",
    "x-ms-throttle-scope",
    "x-msft-approval-code",
    "x-msft-approval-justification",
];

/// Whether a header is one of those that are recorded.
pub(super) fn is_header(name: &str) -> bool {
    HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Returns what may be kept of a message; nothing of one that is not known.
pub(super) fn phrase_in(message: &str) -> Option<&'static str> {
    PHRASES
        .iter()
        .copied()
        .find(|phrase| message.contains(phrase))
}
