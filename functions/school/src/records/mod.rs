//! Plain records: list, find, create, replace, update and delete of every resource that is a list of fields. One set of
//! handlers serves them all; a resource says what is its own.

#[cfg(not(target_arch = "wasm32"))]
mod document;

use axum::{
    Router,
    extract::{FromRequest, FromRequestParts, Request, State as Extension},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use futures_util::future::BoxFuture;
use homeroom_domain::records::{self, Presence, Record};
use homeroom_edge::{
    ApiError, Ids, Json, List, NoContent, Permitted, Posted, Query, RawBody, SchoolArea, State,
};
use homeroom_kernel::{FieldErrors, Id, PageRequest};
use homeroom_store::{
    Batch,
    records::{self as store, Ordered, Resolved, Scope, Table},
};
use http::Method;
use serde::{Serialize, Serializer};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use document::complete;

/// A resource of plain records.
pub struct Resource {
    /// Its table.
    pub table: &'static Table,
    /// In operation ids: `exam_session`.
    pub noun: &'static str,
    /// In codenames, where that is not the noun: several resources may ask for the same permissions.
    pub guarded_as: Option<&'static str>,
    /// In operation ids of lists: `exam_sessions`.
    pub plural: &'static str,
    /// For people, with its article: "an exam session".
    pub title: &'static str,
    /// Where the list is.
    pub path: &'static str,
    /// The group in the document.
    pub tag: &'static str,
    /// Where a field of the body says what the record lies in, and not the address alone: that field, and the resource
    /// that the address names.
    pub lies_by: Option<(&'static str, &'static Resource)>,
    /// What is its own.
    pub hooks: &'static dyn Hooks,
    /// Whether creations may come with warnings.
    pub warns: bool,
}

/// What most resources are: nothing lies around them, and they have no rules but their fields'.
pub(crate) const ALONE: Resource = Resource {
    table: &Table::PLAIN,
    noun: "",
    guarded_as: None,
    plural: "",
    title: "",
    path: "",
    tag: "",
    lies_by: None,
    hooks: &Plain,
    warns: false,
};

/// What is a resource's own beside its fields.
pub trait Hooks: Sync {
    /// Rules between the fields of one record.
    fn check(&self, _: &Record, _: &mut FieldErrors) {}

    /// What somebody may see where that is not everything. It narrows lists and finds; changes are for [`Hooks::prepare`]
    /// to refuse.
    fn sees(&self, _: &Permitted<SchoolArea>) -> Option<Scope> {
        None
    }

    /// Completes the question for a list with what only the request knows, such as the time.
    fn narrow(&self, _: &Permitted<SchoolArea>, _: &mut PageRequest) {}

    /// Looks at a creation, change or deletion before it is written: refuses it, completes it, or adds to its batch.
    fn prepare<'a>(&'a self, _: &'a mut Write<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether a refused creation is worth another try: [`prepare`](Self::prepare) chose a value for this body, and
    /// another request took it meanwhile.
    fn chose_what_is_taken(&self, _body: &Record, _error: &ApiError) -> bool {
        false
    }
}

/// How often a creation is tried whose hook chooses a value.
pub(crate) const ATTEMPTS: u32 = 3;

/// No rules and no effects beside the fields.
pub(crate) struct Plain;
impl Hooks for Plain {}

/// A record that is about to be written.
pub struct Write<'a> {
    /// Who writes.
    pub caller: &'a Permitted<SchoolArea>,
    /// The record as it is; none of a creation.
    pub before: Option<&'a Record>,
    /// The record as it will be; none of a deletion.
    pub after: Option<Record>,
    /// The facts that the table names.
    pub facts: Record,
    /// What the body set; nothing where it is a deletion.
    pub set: Record,
    /// What must hold before the record is written.
    pub ahead: Batch,
    /// What is written besides, in the same transaction and after the record.
    pub batch: Batch,
    /// What the client should know of a creation that is carried out all the same.
    pub warnings: Vec<String>,
}

/// Adds the routes of the resources.
pub(crate) fn add_routes(
    mut router: Router<State>,
    resources: &'static [&'static [&'static Resource]],
) -> Router<State> {
    for resource in resources.iter().copied().flatten().copied() {
        let one = format!("{}{{id}}/", resource.path);
        let serve = |method: &Method| {
            let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
            let handler = move |Extension(app): Extension<State>, request: Request| {
                serve(resource, app, request)
            };
            on(filter, handler)
        };
        router = router
            .route(resource.path, serve(&Method::GET))
            .route(resource.path, serve(&Method::POST))
            .route(&one, serve(&Method::GET))
            .route(&one, serve(&Method::PUT))
            .route(&one, serve(&Method::PATCH))
            .route(&one, serve(&Method::DELETE));
    }
    router
}

async fn serve(
    resource: &'static Resource,
    app: State,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let ids = Ids::from_request_parts(&mut parts, &app).await;
    let own = ids.as_ref().ok().and_then(|ids| ids.get::<()>("id").ok());
    let verb = match parts.method {
        Method::POST => "add",
        Method::PUT | Method::PATCH => "change",
        Method::DELETE => "delete",
        _ => "view",
    };
    let codename = format!("school.{verb}_{}", resource.permission());
    if parts.method == Method::POST {
        let request = Request::from_parts(parts, body);
        return resource.create(ids, request, app, &codename).await;
    }
    let caller = Permitted::<SchoolArea>::enter(&mut parts, &app, &codename).await?;
    let ids = ids?;
    let mut scope = resource.scope(&ids)?;
    if (parts.method == Method::GET || parts.method == Method::HEAD)
        && let Some(seen) = resource.hooks.sees(&caller)
    {
        scope.narrow(seen);
    }
    match (parts.method.clone(), own) {
        (Method::PUT | Method::PATCH, Some(id)) => {
            let body = RawBody::from_request(Request::from_parts(parts, body), &app).await?;
            resource.change(&caller, &ids, &scope, id, body).await
        }
        (Method::DELETE, Some(id)) => resource.delete(&caller, &scope, id).await,
        (_, Some(id)) => {
            let record = store::find(&caller.db, resource.table, &scope, id).await?;
            Ok(Json(Ordered(resource.table, &record)).into_response())
        }
        (_, None) => {
            let query = Query::from_request_parts(&mut parts, &app).await?;
            resource.list(&caller, &scope, &query).await
        }
    }
}

impl Resource {
    /// What codenames call it.
    #[must_use]
    pub fn permission(&self) -> &'static str {
        self.guarded_as.unwrap_or(self.noun)
    }

    fn scope(&self, ids: &Ids) -> Result<Scope, ApiError> {
        self.table.within(|name| ids.get(name))
    }

    async fn list(
        &self,
        caller: &Permitted<SchoolArea>,
        scope: &Scope,
        query: &Query,
    ) -> Result<Response, ApiError> {
        let mut request = query.page(&self.table.listing)?;
        self.hooks.narrow(caller, &mut request);
        let page = store::list(&caller.db, self.table, scope, &request).await?;
        let page = page.map(|record| Owned(self.table, record));
        Ok(List::<Owned>::new(&caller.context, query, &request, page).into_response())
    }

    async fn create(
        &self,
        ids: Result<Ids, ApiError>,
        request: Request,
        app: State,
        codename: &str,
    ) -> Result<Response, ApiError> {
        let read = |body| Ok(records::read(self.table.fields, body, false)?);
        let post = Posted::<SchoolArea, Record>::enter(request, &app, codename, read).await?;
        let ids = ids?;
        let scope = self.scope(&ids)?;
        let mut fields = post.input.clone();
        for field in self.table.fields {
            if matches!(field.presence, Presence::Path) {
                fields.insert(
                    field.name.to_owned(),
                    ids.get::<()>(field.name)?.to_string().into(),
                );
            }
        }
        let mut location = self.path.to_owned();
        for (name, _) in self.table.scope {
            location = location.replace(&format!("{{{name}}}"), &ids.get::<()>(name)?.to_string());
        }
        let mut attempt = 1;
        loop {
            let answer = self.try_create(&post, &ids, &scope, fields.clone(), &location);
            match answer.await {
                Err(error)
                    if attempt < ATTEMPTS
                        && self.hooks.chose_what_is_taken(&post.input, &error) =>
                {
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn try_create(
        &self,
        post: &Posted<SchoolArea, Record>,
        ids: &Ids,
        scope: &Scope,
        fields: Record,
        list: &str,
    ) -> Result<Response, ApiError> {
        let stamp = post.stamp();
        let mut record = store::new_record(&stamp, fields);
        let resolved = store::resolve(&post.db, self.table, scope, &record).await?;
        let resolved = self.place(post, ids, resolved).await?;
        let facts = self.settle(None, &mut record, resolved)?;
        let mut write = Write {
            caller: post,
            before: None,
            after: Some(record),
            facts,
            set: post.input.clone(),
            ahead: Batch::default(),
            batch: Batch::default(),
            warnings: Vec::new(),
        };
        self.hooks.prepare(&mut write).await?;
        let Write {
            after,
            ahead: mut batch,
            batch: besides,
            warnings,
            ..
        } = write;
        let record =
            after.ok_or_else(|| ApiError::Internal("a hook took the record away".into()))?;
        batch.append(store::insert(&stamp, self.table, &record)?);
        batch.append(besides);
        let location = format!("{list}{}/", records::text(&record, "id"));
        if self.warns {
            let body = Warned {
                record: Ordered(self.table, &record),
                warnings,
            };
            post.create(batch, &location, &body).await
        } else {
            post.create(batch, &location, &Ordered(self.table, &record))
                .await
        }
    }

    pub(crate) async fn change(
        &self,
        caller: &Permitted<SchoolArea>,
        ids: &Ids,
        scope: &Scope,
        id: Id<()>,
        body: RawBody,
    ) -> Result<Response, ApiError> {
        let changes = records::read(self.table.fields, body.fields, body.partial)?;
        let (before, resolved) =
            store::find_for_change(&caller.db, self.table, scope, id, &changes).await?;
        let mut after = before.clone();
        records::apply(&mut after, changes.clone());
        after.insert(
            "updated_at".to_owned(),
            serde_json::json!(caller.context.now),
        );
        let resolved = self.place(caller, ids, resolved).await?;
        let facts = self.settle(Some(&before), &mut after, resolved)?;
        let mut write = Write {
            caller,
            before: Some(&before),
            after: Some(after),
            facts,
            set: changes,
            ahead: Batch::default(),
            batch: Batch::default(),
            warnings: Vec::new(),
        };
        self.hooks.prepare(&mut write).await?;
        let Write {
            after,
            ahead: mut batch,
            batch: besides,
            ..
        } = write;
        let after =
            after.ok_or_else(|| ApiError::Internal("a hook took the record away".into()))?;
        batch.append(store::update(&caller.stamp(), self.table, &before, &after)?);
        batch.append(besides);
        caller.commit(batch).await?;
        Ok(Json(Ordered(self.table, &after)).into_response())
    }

    async fn delete(
        &self,
        caller: &Permitted<SchoolArea>,
        scope: &Scope,
        id: Id<()>,
    ) -> Result<Response, ApiError> {
        let (before, resolved) = if self.table.facts.is_empty() {
            let before = store::find(&caller.db, self.table, scope, id).await?;
            (before, Resolved::default())
        } else {
            let unchanged = Record::new();
            store::find_for_change(&caller.db, self.table, scope, id, &unchanged).await?
        };
        let mut write = Write {
            caller,
            before: Some(&before),
            after: None,
            facts: resolved.facts,
            set: Record::new(),
            ahead: Batch::default(),
            batch: Batch::default(),
            warnings: Vec::new(),
        };
        self.hooks.prepare(&mut write).await?;
        let mut batch = write.ahead;
        batch.append(write.batch);
        batch.append(store::delete(&caller.stamp(), self.table, &before));
        caller.commit(batch).await?;
        Ok(NoContent.into_response())
    }

    /// Refuses an address of nothing. Where the body says what the record lies in, something elsewhere is as missing as
    /// something unknown, at an address that exists.
    async fn place(
        &self,
        caller: &Permitted<SchoolArea>,
        ids: &Ids,
        mut resolved: Resolved,
    ) -> Result<Resolved, ApiError> {
        if resolved.in_scope {
            return Ok(resolved);
        }
        let Some((field, around)) = self.lies_by else {
            return Err(ApiError::NotFound);
        };
        let (scope, id) = (around.scope(ids)?, ids.get(around.noun)?);
        store::find(&caller.db, around.table, &scope, id).await?;
        if !resolved.missing.contains(&field) {
            resolved.missing.push(field);
        }
        Ok(resolved)
    }

    /// Refuses what refers to nothing and what breaks a rule between fields; completes what is worked out, and gives the
    /// facts.
    fn settle(
        &self,
        before: Option<&Record>,
        record: &mut Record,
        mut resolved: Resolved,
    ) -> Result<Record, ApiError> {
        let mut errors = FieldErrors::default();
        for field in self.table.fields {
            let Presence::Acted(_, how) = field.presence else {
                continue;
            };
            let own =
                before.map_or_else(|| field.default(), |before| before.get(field.name).cloned());
            let own = own.unwrap_or_default();
            if record.get(field.name).is_some_and(|given| *given != own) {
                errors.add(field.name, how);
            }
            resolved.computed.insert(field.name.to_owned(), own);
        }
        for field in resolved.missing {
            errors.add(field, "There is no such record.");
        }
        record.extend(resolved.computed);
        for (name, value) in resolved.defaults {
            if record.get(&name).is_none_or(serde_json::Value::is_null) {
                record.insert(name, value);
            }
        }
        self.hooks.check(record, &mut errors);
        Ok(errors.into_result(resolved.facts)?)
    }
}

/// A record that owns its values, for lists.
pub(crate) struct Owned(pub(crate) &'static Table, pub(crate) Record);

impl Serialize for Owned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Ordered(self.0, &self.1).serialize(serializer)
    }
}

/// A record with what the client should know of it.
#[derive(Serialize)]
pub(crate) struct Warned<'a> {
    #[serde(flatten)]
    pub(crate) record: Ordered<'a>,
    pub(crate) warnings: Vec<String>,
}
