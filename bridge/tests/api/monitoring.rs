use super::support::{bridge, bridge_with};
use serde_json::json;

#[tokio::test]
async fn the_dashboard_tells_rates_links_and_pools_under_both_paths() {
    let bridge = bridge().await;
    for prefix in ["", "/api/v1"] {
        let stats = bridge
            .get(&format!("{prefix}/dashboard/stats"))
            .await
            .json();
        assert_eq!(stats["success"], true);
        let data = &stats["data"];
        assert_eq!(data["rps"]["data"].as_array().unwrap().len(), 60);
        assert_eq!(data["rps"]["data"][0]["rps"], 5);
        assert_eq!(data["errors"]["data"][29]["errors"], 1);
        assert_eq!(
            data["topCampaignStats"][0],
            json!({ "index": 1, "name": "Campaign 12345", "short_name": "12345", "messages": 900 })
        );
        assert_eq!(data["queue"]["queued"], 12);
        for part in ["cpu", "ram", "disk"] {
            let percent = data["system"][part].as_f64();
            assert!(
                percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)),
                "{part}"
            );
        }
        let links = bridge
            .get(&format!("{prefix}/dashboard/smpp-links"))
            .await
            .json();
        assert_eq!(
            links["data"][0],
            json!({
                "id": 100, "system_id": "school100", "status": "up", "rate": 50.0,
                "in_flight": 3, "window": 10, "last_check": 1_937_082_918,
                "cut": { "alphabet": "gsm7", "header": "udh8", "max_segments": 10 },
            })
        );
        let pools = bridge
            .get(&format!("{prefix}/dashboard/load-balancers"))
            .await
            .json();
        assert_eq!(pools["data"][0]["distribution"], json!([20, 10]));
    }
}

#[tokio::test]
async fn the_page_runs_only_its_own_style_and_script() {
    let bridge = bridge().await;
    let page = bridge.get("/dashboard/").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(policy.matches("'sha256-").count(), 2);
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    for outside in [
        "http://", "https://", " style=", " onclick", "@import", "src=",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn monitoring_can_be_kept_to_some_addresses_and_health_stays_public() {
    let bridge = bridge_with(
        "http://127.0.0.1:9",
        "[listen]\nmonitoring_ips = [\"10.0.0.0/8\"]",
    )
    .await;
    for path in [
        "/metrics",
        "/dashboard/",
        "/dashboard/stats",
        "/api/v1/dashboard/smpp-links",
    ] {
        assert_eq!(bridge.get(path).await.error().0, 403, "{path}");
    }
    assert_eq!(bridge.get("/healthy").await.status, 200);
    let allowed = bridge
        .call(
            http::Method::GET,
            "/metrics",
            &[("x-forwarded-for", "10.1.2.3")],
            "",
        )
        .await;
    assert_eq!(allowed.status, 200);
}
