//! The Worker around the printer: reads a request, fetches the fonts that it lacks, answers a file.

use std::cell::RefCell;

use ::worker::{Context, Env, Headers, Method, Request, Response, Result, console_error, event};
use homeroom_objects::documents::{DocumentError, DocumentRequest, MAX_REQUEST_BYTES, Printed};

use crate::fonts::{BOLD, Fonts, REGULAR};
use crate::{render, scripts};

const ASSETS: &str = "ASSETS";

thread_local! {
    /// What this isolate has fetched so far: at most 12 MB, when every script of the world was printed.
    static FONTS: RefCell<Option<Fonts>> = const { RefCell::new(None) };
}

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    if request.method() != Method::Post || request.path() != "/" {
        return Response::error("not found", 404);
    }
    let body = request.bytes().await?;
    match print(&body, &env).await {
        Ok(printed) => {
            let headers = Headers::new();
            headers.set("content-type", printed.content_type)?;
            Ok(Response::from_bytes(printed.bytes)?.with_headers(headers))
        }
        Err(error) => {
            if matches!(error, DocumentError::Failed(_)) {
                console_error!("{error}");
            }
            Ok(Response::from_json(&error)?.with_status(error.status()))
        }
    }
}

async fn print(body: &[u8], env: &Env) -> Result<Printed, DocumentError> {
    if body.len() > MAX_REQUEST_BYTES {
        let why = format!("the request is longer than {MAX_REQUEST_BYTES} bytes");
        return Err(DocumentError::OutOfBounds(why));
    }
    let request: DocumentRequest = serde_json::from_slice(body)
        .map_err(|error| DocumentError::Malformed(error.to_string()))?;
    request.check()?;
    let fonts = fonts_for(&request, env).await?;
    Ok(render(&request, &fonts)?.printed)
}

/// The fonts that this isolate has, with those that the request needs.
async fn fonts_for(request: &DocumentRequest, env: &Env) -> Result<Fonts, DocumentError> {
    let here = FONTS.with_borrow(Clone::clone);
    let mut fonts = match here {
        Some(fonts) => fonts,
        None => {
            let away = |error: ::worker::Error| DocumentError::Unavailable(error.to_string());
            let regular = font(env, REGULAR).await.map_err(away)?;
            Fonts::new(regular, font(env, BOLD).await.map_err(away)?)?
        }
    };
    for name in scripts::wanted(request, &fonts) {
        // A document with boxes is better than none.
        match font(env, name).await {
            Ok(bytes) => {
                if let Err(error) = fonts.add(name, bytes) {
                    console_error!("{error}");
                }
            }
            Err(error) => console_error!("the font {name} cannot be fetched: {error}"),
        }
    }
    FONTS.set(Some(fonts.clone()));
    Ok(fonts)
}

async fn font(env: &Env, name: &str) -> Result<Vec<u8>> {
    let assets = env.assets(ASSETS)?;
    let mut answer = assets
        .fetch(format!("https://assets/{name}.ttf"), None)
        .await?;
    if answer.status_code() != 200 {
        return Err(format!("the assets answered {}", answer.status_code()).into());
    }
    answer.bytes().await
}
