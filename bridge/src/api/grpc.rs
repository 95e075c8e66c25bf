//! gRPC, under the names of the source. Health and reflection are the standard services.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Extensions, Request, Response, Status, Streaming};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::auth::{self, Account};
use super::errors::ApiError;
use super::messages::{self, Sent, Wanted};
use super::serve::Peer;
use super::{Api, accounts};

/// What the compiler of the .proto files wrote.
#[allow(clippy::pedantic, missing_docs, unreachable_pub)]
mod proto {
    pub mod auth {
        tonic::include_proto!("auth");
    }
    pub mod sms {
        tonic::include_proto!("sms.v1");
    }
    pub const SERVICES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/services.bin"));
}

use proto::auth::auth_server::{Auth, AuthServer};
use proto::auth::{
    DeleteUserRequest, DeleteUserResponse, IsAdminRequest, IsAdminResponse, LoginRequest,
    LoginResponse, RegisterRequest, RegisterResponse,
};
use proto::sms::sms_service_server::{SmsService, SmsServiceServer};
use proto::sms::{
    CheckEsmeRequest, CheckEsmeResponse, CheckTextLenRequest, CheckTextLenResponse, SmsInfoRequest,
    SmsInfoResponse, SmsRequest, SmsResponse,
};

/// Messages of a stream that are stored together, at most.
const BATCH: usize = 100;
/// Batches of a stream that are being stored at a time.
const BATCHES: usize = 8;

/// Paths of the methods.
const METHODS: [&str; 9] = [
    "/auth.Auth/Register",
    "/auth.Auth/Login",
    "/auth.Auth/IsAdmin",
    "/auth.Auth/DeleteUser",
    "/sms.v1.SmsService/SendMessage",
    "/sms.v1.SmsService/SendMessageStream",
    "/sms.v1.SmsService/CheckESME",
    "/sms.v1.SmsService/CheckTextLen",
    "/sms.v1.SmsService/SmsInfo",
];

/// The path, where it is a method's.
pub(super) fn method(path: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|method| *method == path)
}

type Health = tonic_health::pb::health_server::HealthServer<tonic_health::server::HealthService>;

/// The services, and what tells health's watchers about readiness.
pub(super) fn router(
    api: &Arc<Api>,
) -> Result<(Router, HealthReporter), tonic_reflection::server::Error> {
    let most = api.limits.body;
    let reporter = HealthReporter::new();
    let health = Health::new(tonic_health::server::HealthService::from_health_reporter(
        reporter.clone(),
    ));
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::SERVICES)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let routes =
        Routes::new(SmsServiceServer::new(Service(api.clone())).max_decoding_message_size(most))
            .add_service(AuthServer::new(Service(api.clone())).max_decoding_message_size(most))
            .add_service(health)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
    Ok((routes.into_axum_router(), reporter))
}

/// Tells health's watchers whether messages are accepted, until the task is dropped.
pub(super) async fn watch_readiness(api: Arc<Api>, reporter: HealthReporter) {
    loop {
        let status = match api.gateway.ready().await {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        };
        for service in ["", "sms.v1.SmsService"] {
            reporter.set_service_status(service, status).await;
        }
        reporter
            .set_service_status("auth.Auth", ServingStatus::Serving)
            .await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

#[derive(Clone)]
struct Service(Arc<Api>);

impl Service {
    fn account(
        &self,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Result<Account, ApiError> {
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok());
        let peer = extensions.get::<Peer>().ok_or_else(ApiError::internal)?;
        let address = self.client(metadata, peer.0);
        let app_id = text("app_id").or(text("x-app-id"));
        auth::account(&self.0, text("authorization"), app_id, address).map_err(|mut error| {
            error.text = error.text.replace("X-App-ID header", "app_id metadata");
            error
        })
    }

    fn client(&self, metadata: &MetadataMap, peer: IpAddr) -> IpAddr {
        let headers = metadata.clone().into_headers();
        auth::client(&headers, peer, &self.0.listen.trusted_proxies)
    }

    /// The account of a unary call, within its rate.
    fn within_rate<T>(&self, request: &Request<T>) -> Result<Account, ApiError> {
        let account = self.account(request.metadata(), request.extensions())?;
        self.0.rates.check(account.app_id)?;
        Ok(account)
    }

    async fn accounts<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        (metadata, extensions): (&MetadataMap, &Extensions),
        body: serde_json::Value,
    ) -> Result<T, ApiError> {
        let peer = extensions.get::<Peer>().ok_or_else(ApiError::internal)?;
        let client = self.client(metadata, peer.0);
        let mut headers: HeaderMap = metadata.clone().into_headers();
        if let Some(app_id) = headers.get("app_id").cloned() {
            headers.insert("x-app-id", app_id);
        }
        let body = Bytes::from(body.to_string());
        let answer = accounts::call(&self.0, path, &headers, client, body).await?;
        let body = accounts::success(answer)?;
        serde_json::from_slice(&body).map_err(|_| ApiError::internal())
    }
}

impl From<SmsRequest> for Wanted {
    fn from(request: SmsRequest) -> Self {
        // Out of range is not the same as absent: no number type has 255, so the centre's side refuses it by name.
        let octet = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            esme: request.esme,
            source: request.saddr,
            destination: request.daddr,
            message: request.message,
            transaction_id: Some(request.transaction_id),
            task_id: Some(request.task_id),
            app_id: Some(request.app_id),
            ston: request.ston.map(octet),
            snpi: request.snpi.map(octet),
            dton: request.dton.map(octet),
            dnpi: request.dnpi.map(octet),
            sent_at: Some(request.sent_at),
            priority: 0,
            transliterate: false,
        }
    }
}

impl From<Sent> for SmsResponse {
    fn from(sent: Sent) -> Self {
        Self {
            success: sent.success,
            error: sent.error,
            esme: sent.esme,
            transaction_id: sent.transaction_id,
            message_id: sent.message_id,
            status: sent.status.to_owned(),
            sms_ids: sent.sms_ids,
            task_id: sent.task_id,
        }
    }
}

/// What a message of a stream is told: its own failure ends nothing for the others.
fn in_stream(asked: (i64, String, i64), answer: Result<Sent, ApiError>) -> SmsResponse {
    let (esme, transaction_id, task_id) = asked;
    match answer {
        Ok(sent) => sent.into(),
        Err(error) => SmsResponse {
            success: false,
            error: error.text,
            esme,
            transaction_id,
            message_id: String::new(),
            status: "rejected".to_owned(),
            sms_ids: Vec::new(),
            task_id,
        },
    }
}

/// What a caller's own deadline allows: an answer after it would reach nobody.
async fn in_time<T>(
    metadata: &MetadataMap,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, Status> {
    let limit = metadata.get("grpc-timeout").and_then(|value| {
        let (number, unit) = value
            .to_str()
            .ok()?
            .split_at_checked(value.len().checked_sub(1)?)?;
        let number: u32 = number.parse().ok()?;
        Some(match unit {
            "H" => Duration::from_hours(1) * number,
            "M" => Duration::from_mins(1) * number,
            "S" => Duration::from_secs(1) * number,
            "m" => Duration::from_millis(1) * number,
            "u" => Duration::from_micros(1) * number,
            "n" => Duration::from_nanos(1) * number,
            _ => return None,
        })
    });
    let Some(limit) = limit else {
        return Ok(work.await?);
    };
    match tokio::time::timeout(limit, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Status::deadline_exceeded("the deadline has passed")),
    }
}

#[tonic::async_trait]
impl SmsService for Service {
    async fn send_message(
        &self,
        request: Request<SmsRequest>,
    ) -> Result<Response<SmsResponse>, Status> {
        let account = self.within_rate(&request)?;
        let (metadata, _, message) = request.into_parts();
        let sent = in_time(&metadata, async {
            let mut answers = messages::send(&self.0, &account, vec![message.into()]).await?;
            answers.pop().ok_or_else(ApiError::internal)?
        });
        Ok(Response::new(sent.await?.into()))
    }

    type SendMessageStreamStream = Pin<Box<dyn Stream<Item = Result<SmsResponse, Status>> + Send>>;

    async fn send_message_stream(
        &self,
        request: Request<Streaming<SmsRequest>>,
    ) -> Result<Response<Self::SendMessageStreamStream>, Status> {
        let account = self.account(request.metadata(), request.extensions())?;
        let api = self.0.clone();
        let app_id = account.app_id;
        let paced = {
            let api = api.clone();
            // Over its rate, a stream is read more slowly instead of being refused.
            request.into_inner().then(move |message| {
                let api = api.clone();
                async move {
                    api.rates.wait(app_id).await;
                    message
                }
            })
        };
        let answers = paced
            .ready_chunks(BATCH)
            .map(move |chunk| store(api.clone(), account.clone(), chunk))
            .buffered(BATCHES)
            .flat_map(stream::iter);
        Ok(Response::new(Box::pin(answers)))
    }

    async fn check_esme(
        &self,
        request: Request<CheckEsmeRequest>,
    ) -> Result<Response<CheckEsmeResponse>, Status> {
        self.within_rate(&request)?;
        let found = messages::check_esme(&self.0, request.into_inner().esme)?;
        Ok(Response::new(CheckEsmeResponse {
            persist: found.persist,
            system_id: found.system_id,
            error: found.error,
        }))
    }

    async fn check_text_len(
        &self,
        request: Request<CheckTextLenRequest>,
    ) -> Result<Response<CheckTextLenResponse>, Status> {
        self.within_rate(&request)?;
        let asked = request.into_inner();
        let measured = messages::measure(
            &self.0,
            &asked.message,
            Some(asked.esme),
            asked.transliterate,
        )?;
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Response::new(CheckTextLenResponse {
            encoding: measured.encoding.name().to_owned(),
            length: number(measured.length),
            segments: number(measured.segments),
            per_segment: number(measured.per_segment),
        }))
    }

    async fn sms_info(
        &self,
        request: Request<SmsInfoRequest>,
    ) -> Result<Response<SmsInfoResponse>, Status> {
        let account = self.within_rate(&request)?;
        let (metadata, _, asked) = request.into_parts();
        let info = messages::info(&self.0, &account, &asked.message_id);
        let info = in_time(&metadata, info).await?;
        let parts = info.parts.into_iter();
        Ok(Response::new(SmsInfoResponse {
            message_id: info.message_id,
            mode: info.mode.to_owned(),
            parts: parts
                .map(|(n, status)| (n.to_string(), status.to_owned()))
                .collect(),
            delivered_count: info.delivered_count,
            sent_at: info.sent_at,
            updated_at: info.updated_at,
            transaction_id: info.transaction_id,
            task_id: info.task_id,
            status: info.status.to_owned(),
            error: info.error,
        }))
    }
}

/// Stores what of a stream is there; the answers are in its order. What cannot be read ends the stream.
async fn store(
    api: Arc<Api>,
    account: Account,
    chunk: Vec<Result<SmsRequest, Status>>,
) -> Vec<Result<SmsResponse, Status>> {
    let mut asked = Vec::with_capacity(chunk.len());
    let mut wanted: Vec<Wanted> = Vec::with_capacity(chunk.len());
    let mut end = None;
    for message in chunk {
        match message {
            Ok(message) => {
                asked.push((
                    message.esme,
                    message.transaction_id.clone(),
                    message.task_id,
                ));
                wanted.push(message.into());
            }
            Err(status) => {
                end = Some(status);
                break;
            }
        }
    }
    let mut answers: Vec<Result<SmsResponse, Status>> = Vec::with_capacity(asked.len() + 1);
    match messages::send(&api, &account, wanted).await {
        Ok(sent) => {
            let pairs = asked.into_iter().zip(sent);
            answers.extend(pairs.map(|(asked, answer)| Ok(in_stream(asked, answer))));
        }
        Err(error) => {
            let failed = |asked| Ok(in_stream(asked, Err(error.clone())));
            answers.extend(asked.into_iter().map(failed));
        }
    }
    answers.extend(end.map(Err));
    answers
}

#[tonic::async_trait]
impl Auth for Service {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        #[derive(Deserialize)]
        struct Registered {
            user_id: i64,
            #[serde(default)]
            app_id: i64,
            #[serde(default)]
            app_secret: String,
        }
        let (metadata, extensions, asked) = request.into_parts();
        let body = json!({
            "email": asked.email, "password": asked.password, "app_name": asked.app_name,
        });
        let answer: Registered = self
            .accounts(accounts::REGISTER, (&metadata, &extensions), body)
            .await?;
        Ok(Response::new(RegisterResponse {
            user_id: answer.user_id,
            app_id: answer.app_id,
            app_secret: answer.app_secret,
        }))
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        #[derive(Deserialize)]
        struct LoggedIn {
            token: String,
        }
        let (metadata, extensions, asked) = request.into_parts();
        let body = json!({
            "email": asked.email, "password": asked.password, "app_id": asked.app_id,
        });
        let LoggedIn { token } = self
            .accounts(accounts::LOGIN, (&metadata, &extensions), body)
            .await?;
        Ok(Response::new(LoginResponse { token }))
    }

    async fn is_admin(
        &self,
        request: Request<IsAdminRequest>,
    ) -> Result<Response<IsAdminResponse>, Status> {
        #[derive(Deserialize)]
        struct Admin {
            is_admin: bool,
        }
        let (metadata, extensions, asked) = request.into_parts();
        let body = json!({ "user_id": asked.user_id });
        let Admin { is_admin } = self
            .accounts(accounts::IS_ADMIN, (&metadata, &extensions), body)
            .await?;
        Ok(Response::new(IsAdminResponse { is_admin }))
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<DeleteUserResponse>, Status> {
        #[derive(Deserialize)]
        struct Deleted {
            result: bool,
        }
        let (metadata, extensions, asked) = request.into_parts();
        let body = json!({ "user_id": asked.user_id });
        let Deleted { result } = self
            .accounts(accounts::DELETE_USER, (&metadata, &extensions), body)
            .await?;
        Ok(Response::new(DeleteUserResponse { result }))
    }
}

/// What a client without gRPC is told at this port.
pub(super) async fn nothing_else() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "this port speaks gRPC")
}
