//! Who asks: tokens of accounts, verified without asking the platform, and the rate of each app.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use homeroom_domain::credentials::sms_token;
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;
use tokio::time::Instant;

use super::Api;
use super::errors::ApiError;
use super::serve::Peer;
use crate::gateway::Caller;

/// An account whose token was found right.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) app_id: i64,
    pub(super) user_id: i64,
    pub(super) tenant: Option<String>,
    pub(super) address: IpAddr,
}

impl Account {
    pub(super) fn caller(&self) -> Caller {
        Caller::App {
            app_id: self.app_id,
            user_id: self.user_id,
            address: self.address,
        }
    }
}

/// Finds the account behind a token, for the app that the request names.
pub(super) fn account(
    api: &Api,
    authorization: Option<&str>,
    app_id: Option<&str>,
    address: IpAddr,
) -> Result<Account, ApiError> {
    let authorization =
        authorization.ok_or_else(|| ApiError::unauthorized("authorization header required"))?;
    let app_id = app_id.ok_or_else(|| ApiError::unauthorized("X-App-ID header required"))?;
    let app_id: i64 = app_id
        .trim()
        .parse()
        .map_err(|_| ApiError::bad("invalid X-App-ID"))?;
    let token = authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let claims = token
        .and_then(|token| sms_token::verify(&api.keys, token, api.clock.now()))
        .ok_or_else(|| ApiError::unauthorized("invalid or expired token"))?;
    if claims.app_id != app_id {
        return Err(ApiError::unauthorized("unknown app_id"));
    }
    Ok(Account {
        app_id,
        user_id: claims.user_id,
        tenant: claims.tenant,
        address,
    })
}

/// Where a request came from: the last address that no trusted proxy vouches against.
pub(super) fn client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    // An IPv4 client on an IPv6 socket is still an IPv4 client to the lists.
    let mut address = peer.to_canonical();
    let named = headers.get_all("x-forwarded-for").iter().rev();
    let hops = named.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !trusted(&address) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// Whether monitoring may be shown to whoever asks.
pub(super) fn monitoring(api: &Api, headers: &HeaderMap, peer: Peer) -> Result<(), ApiError> {
    let allowed = &api.listen.monitoring_ips;
    let client = client(headers, peer.0, &api.listen.trusted_proxies);
    if allowed.is_empty() || allowed.iter().any(|net| net.contains(&client)) {
        Ok(())
    } else {
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this address may not see it",
        ))
    }
}

/// A bucket of permits for each app.
#[derive(Debug)]
pub(super) struct AppRates {
    rate: f64,
    burst: f64,
    // Only apps with a verified token come in, so it is as large as there are accounts.
    buckets: Mutex<HashMap<i64, (f64, Instant)>>,
}

impl AppRates {
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        Self {
            rate,
            burst: burst.into(),
            buckets: Mutex::default(),
        }
    }

    /// Takes a permit, or says how long until there is one.
    pub(super) fn take(&self, app_id: i64) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (permits, at) = buckets.entry(app_id).or_insert((self.burst, now));
        let grown = now.duration_since(*at).as_secs_f64() * self.rate;
        *permits = (*permits + grown).min(self.burst);
        *at = now;
        if *permits >= 1.0 {
            *permits -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64((1.0 - *permits) / self.rate))
        }
    }

    /// As [`Self::take`], as an answer.
    pub(super) fn check(&self, app_id: i64) -> Result<(), ApiError> {
        self.take(app_id).map_err(|wait| {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX - 1) + 1;
            ApiError::too_many("rate limit exceeded", seconds)
        })
    }

    /// Takes a permit as soon as there is one.
    pub(super) async fn wait(&self, app_id: i64) {
        while let Err(wait) = self.take(app_id) {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_may_say_where_a_request_came_from() {
        let peer: IpAddr = "10.0.0.5".parse().unwrap();
        let proxies: Vec<IpNet> = vec!["10.0.0.0/24".parse().unwrap()];
        let from = |value: &str, proxies: &[IpNet]| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", value.parse().unwrap());
            client(&headers, peer, proxies).to_string()
        };
        assert_eq!(from("203.0.113.9", &[]), "10.0.0.5");
        assert_eq!(from("203.0.113.9", &proxies), "203.0.113.9");
        assert_eq!(
            from("1.2.3.4, 203.0.113.9, 10.0.0.7", &proxies),
            "203.0.113.9"
        );
        assert_eq!(from("1.2.3.4, nonsense", &proxies), "10.0.0.5");
        let mapped: IpAddr = "::ffff:203.0.113.9".parse().unwrap();
        assert_eq!(
            client(&HeaderMap::new(), mapped, &[]).to_string(),
            "203.0.113.9"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_has_its_burst_and_then_its_rate_and_no_other_app_pays_for_it() {
        let rates = AppRates::new(2.0, 3);
        let taken = |app| (0..10).filter(|_| rates.take(app).is_ok()).count();
        assert_eq!(taken(1), 3);
        assert_eq!(taken(2), 3);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(taken(1), 2);
        assert_eq!(rates.check(1).unwrap_err().retry_after, Some(1));
        let before = Instant::now();
        rates.wait(1).await;
        assert!(before.elapsed() >= Duration::from_millis(490));
    }
}
