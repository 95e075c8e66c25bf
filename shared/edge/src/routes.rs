//! The list of an area's routes: its router on Workers, its router and document everywhere else.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use utoipa::openapi::HttpMethod;

use crate::app::State;

/// Makes `router` and, outside of Workers, `openapi` from one list of annotated handlers. The document costs several
/// hundred kilobytes of WebAssembly that no request needs, so it is made natively and served as a file.
#[macro_export]
macro_rules! routes {
    ($document:ty $(, $records:ident($list:ident))?; $($module:ident :: $handler:ident),+ $(,)?) => {
        /// The area's router.
        #[must_use]
        pub fn router(app: $crate::State) -> $crate::axum::Router {
            let router = $crate::axum::Router::new();
            $crate::pastey::paste! {
                $(let router = $crate::add_route::<$module::[<__path_ $handler>], _, _>(router, $module::$handler);)+
            }
            $(let router = $records::add_routes(router, $list);)?
            router.with_state(app)
        }

        /// The area's document.
        #[cfg(not(target_arch = "wasm32"))]
        #[must_use]
        pub fn openapi() -> $crate::utoipa::openapi::OpenApi {
            let router = $crate::utoipa_axum::router::OpenApiRouter::<$crate::State>::with_openapi(
                <$document as $crate::utoipa::OpenApi>::openapi(),
            )
            $(.routes($crate::utoipa_axum::routes!($module::$handler)))+;
            let mut document = router.split_for_parts().1;
            $($records::complete(&mut document, $list);)?
            $crate::utoipa::Modify::modify(&$crate::openapi::Common, &mut document);
            document
        }
    };
}

/// Adds a handler at the path and method of its annotation.
pub fn add_route<P, H, T>(router: Router<State>, handler: H) -> Router<State>
where
    P: utoipa::Path,
    H: Handler<T, State>,
    T: 'static,
{
    let filter = match P::methods().first() {
        Some(HttpMethod::Post) => MethodFilter::POST,
        Some(HttpMethod::Put) => MethodFilter::PUT,
        Some(HttpMethod::Patch) => MethodFilter::PATCH,
        Some(HttpMethod::Delete) => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    };
    let mut path = P::path();
    if !path.ends_with('/') {
        // As requests arrive here.
        path.push('/');
    }
    router.route(&path, on(filter, handler))
}
