use super::*;

fn error(status: u16, body: &[u8]) -> ServiceError {
    ServiceError::from_response(&Response {
        status,
        headers: vec![("request-id".to_owned(), "id".to_owned())],
        body: body.to_vec(),
    })
}

fn message(message: &str) -> String {
    let body = serde_json::json!({"error": {"code": "BadRequest", "message": message}});
    error(400, body.to_string().as_bytes()).message
}

#[test]
fn the_real_sentence_is_found() {
    assert_eq!(message("Too many requests."), "Too many requests.");
    assert_eq!(
        message(
            "{\r\n  \"_version\": 3,\r\n  \"Message\": \"Invalid GroupId : x provided, a valid AADGroupId is expected. - Operation ID (for customer support): 0 - Activity ID: 1\"\r\n}"
        ),
        "Invalid GroupId : x provided, a valid AADGroupId is expected."
    );
    assert_eq!(
        message(r#"{"Message":"{\"Message\":\"An internal server error has occurred\"}"}"#),
        "An internal server error has occurred"
    );
    assert_eq!(message(""), "the service gave no reason");
    assert_eq!(message("{broken"), "{broken");
}

#[test]
fn what_is_no_graph_error_is_shown_as_it_came() {
    let page = error(502, b"<html>Bad Gateway</html>");
    assert_eq!(
        page.to_string(),
        "the response is not a Graph error: `<html>Bad Gateway</html>` (status 502, request id id)"
    );
    let empty = error(500, b"");
    assert_eq!(
        empty.to_string(),
        "the response is not a Graph error: an empty body (status 500, request id id)"
    );
}

#[test]
fn the_code_of_a_request_is_found_wherever_it_stands() {
    const CODE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let of = |message: &str| {
        let body = serde_json::json!({"error": {"code": "BadRequest", "message": message}});
        code_in(&body.to_string())
    };
    let headers = serde_json::json!({"x-msft-approval-code": CODE}).to_string();
    let wrapped = serde_json::json!({"Message": "no", "HttpHeaders": headers}).to_string();
    for message in [
        format!(
            "returned as part of the x-msft-approval-code response header. x-msft-approval-code: {CODE}"
        ),
        wrapped,
    ] {
        assert_eq!(of(&message).as_deref(), Some(CODE), "{message}");
    }
    for message in ["", "x-msft-approval-code", "x-msft-approval-code: ü", CODE] {
        assert_eq!(of(message), None, "{message}");
    }
}

#[test]
fn a_missing_policy_is_known_by_its_code() {
    let gone = br#"{"error":{"code":"ResourceNotFound","message":"x"}}"#;
    assert!(error(400, gone).is_missing());
    let other = br#"{"error":{"code":"BadRequest","message":"x"}}"#;
    assert!(!error(400, other).is_missing());
}

#[test]
fn a_refusal_of_properties_is_told_from_any_other_400() {
    for (code, message, expected) in [
        ("ModelValidationFailure", "x", true),
        (
            "BadRequest",
            "The property 'x' does not exist on type 'y'.",
            true,
        ),
        ("BadRequest", "The filter was deleted meanwhile", false),
    ] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
        let error = error(400, body.as_bytes());
        assert_eq!(error.is_about_properties(), expected, "{code}: {message}");
    }
}
