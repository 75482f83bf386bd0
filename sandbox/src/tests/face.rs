//! Tests: the machine behind HTTP.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::target::all_users;

#[tokio::test]
async fn the_router_saves_before_it_answers() {
    use tower::ServiceExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tenant.json");
    let (tenant, policy) = {
        let (world, _, policy, _) = small();
        (world.machine.tenant().clone(), policy)
    };
    std::fs::write(&path, tenant.to_json()).expect("a writable folder");
    let (store, tenant) = Store::open_or_sample(&path).expect("its own text");
    let service = Service::new(Machine::new(tenant, "http://base".to_owned()), Some(store));
    let row = json!({"target": all_users()}).to_string();
    let request = axum::http::Request::post(format!(
        "http://base/beta{}",
        catalog(&policy, "/assignments")
    ))
    .header("authorization", format!("Bearer {}", service.mint_token()))
    .header("content-type", "application/json")
    .body(axum::body::Body::from(row))
    .expect("a request");
    let response = service.router().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 201);
    let text = std::fs::read_to_string(&path).expect("the file");
    let kept = Tenant::from_json(&text).expect("its own text");
    assert_eq!(
        kept.policy(CATALOG, &policy)
            .map(|policy| policy.assignments.len()),
        Some(1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_paused_clock_moves_the_windows() {
    use tower::ServiceExt;

    let (world, _, policy, _) = small();
    let mut tenant = world.machine.tenant().clone();
    tenant.service.throttling.app_writes = 1;
    let service = Service::new(Machine::new(tenant, "http://base".to_owned()), None);
    let mut statuses = Vec::new();
    for seconds in [0, 0, 20] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let target = format!("http://base/beta{}", catalog(&policy, "/assign"));
        let request = axum::http::Request::post(target)
            .header("authorization", "Bearer x")
            .header("content-type", "application/json")
            .body(axum::body::Body::from("{\"assignments\": []}"))
            .expect("a request");
        let response = service.router().oneshot(request).await.expect("an answer");
        statuses.push(response.status().as_u16());
    }
    // The throttled call of second 0 is out of the window again at second 20.
    assert_eq!(statuses, [200, 429, 200]);
}

#[tokio::test]
async fn a_socket_is_served_until_it_is_stopped() {
    use std::io::{Read, Write};

    let (world, ..) = small();
    let service = Service::new(world.machine, None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, vec![service], async {
        stopped.await.ok();
    }));
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        let head = "GET /beta/groups?$select=displayName HTTP/1.1\r\nHost: here:1\r\n\
                    Authorization: Bearer x\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    });
    let answer = answer.await.expect("no panic").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("http://here:1/beta/$metadata#groups"));
    assert!(answer.contains("{\"displayName\":\"G\"}"));
    stop.send(()).expect("it still runs");
    server.await.expect("no panic").expect("no failure");
}

/// Who waits for the disk or for the latency holds no one up.
#[tokio::test(start_paused = true)]
async fn answers_come_later_by_the_latency_and_wait_side_by_side() {
    use tower::ServiceExt;

    let (world, _, policy, _) = small();
    let mut tenant = world.machine.tenant().clone();
    tenant.service.latency = 0.25;
    let service = Service::new(Machine::new(tenant, "http://base".to_owned()), None);
    let start = tokio::time::Instant::now();
    let asked = (0..20).map(|number| {
        let path = match number % 3 {
            0 => "/beta/groups".to_owned(),
            1 => format!("/beta{}", catalog(&policy, "/assignments")),
            // Refusals take as long.
            _ => "/beta/nothing".to_owned(),
        };
        let request = axum::http::Request::get(format!("http://base{path}"))
            .header("authorization", "Bearer x")
            .body(axum::body::Body::empty())
            .expect("a request");
        service.router().oneshot(request)
    });
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers.len(), 20);
    assert_eq!(start.elapsed(), Duration::from_millis(250));
    let statistics = service.with_machine(|machine| machine.statistics().clone());
    assert_eq!(statistics.reads, 14);
}

/// S5: clients that ask for it read compressed answers.
#[tokio::test]
async fn answers_are_compressed_where_that_is_asked_for() {
    use std::io::Read as _;
    use tower::ServiceExt;

    let (world, ..) = small();
    let service = Service::new(world.machine, None);
    for (accepted, expected) in [
        (Some("gzip"), true),
        (Some("deflate, GZIP;q=0.5"), true),
        (Some("br, gzip;q=0"), false),
        (None, false),
    ] {
        let mut request =
            axum::http::Request::get("http://base/beta/groups").header("authorization", "Bearer x");
        if let Some(accepted) = accepted {
            request = request.header("accept-encoding", accepted);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let answer = service.router().oneshot(request).await.expect("an answer");
        let coding = answer.headers().get("content-encoding").cloned();
        assert_eq!(coding.is_some(), expected, "{accepted:?}");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let body = body.expect("a body");
        let mut text = String::new();
        if expected {
            let mut decoder = flate2::read::GzDecoder::new(body.as_ref());
            decoder.read_to_string(&mut text).expect("gzip");
        } else {
            text = String::from_utf8(body.to_vec()).expect("UTF-8");
        }
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["value"][0]["displayName"], "G");
    }
}
