//! The Worker around the hasher.

use ::worker::{Context, Env, Method, Request, Response, Result, console_error, event};

use crate::hasher::{HashError, Hasher, SALT_BYTES};

#[event(fetch)]
async fn fetch(mut request: Request, _env: Env, _context: Context) -> Result<Response> {
    if request.method() != Method::Post || request.path() != "/" {
        return Response::error("not found", 404);
    }
    let Ok(request) = serde_json::from_slice(&request.bytes().await?) else {
        return Response::error("malformed request", 400);
    };
    let mut salt = [0; SALT_BYTES];
    if let Err(error) = getrandom::fill(&mut salt) {
        console_error!("no entropy: {error}");
        return Response::error("no entropy", 500);
    }
    match Hasher::default().answer(&request, salt) {
        Ok(reply) => Response::from_json(&reply),
        Err(error @ HashError::TooLong) => Response::error(error.to_string(), 400),
        Err(error) => {
            console_error!("{error}");
            Response::error("hashing failed", 500)
        }
    }
}
