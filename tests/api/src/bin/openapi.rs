//! Writes the OpenAPI documents of the areas, and the one of all areas together, to the folder `openapi`.
//!
//! `openapi` writes them; `openapi --check` fails when what is there is not what the code says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use utoipa::openapi::{
    Info, OpenApi, PathItem, RefOr, Schema, Server, ServerBuilder, ServerVariableBuilder,
    extensions::ExtensionsBuilder,
    path::Operation,
    schema::{AdditionalProperties, ArrayItems},
};

/// How the command is called that runs this program.
const COMMAND: &str = "cargo xtask openapi";
/// Where a school's own is, whichever area serves it.
const SCHOOL: &str = "/api/v1/school/";
const SCHEMAS: &str = "#/components/schemas/";
/// How the schema of a list's page is named: this, and the name of what it lists.
const LIST: &str = "List_";

/// An area of the API with its document.
struct Area {
    name: &'static str,
    document: OpenApi,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--check" => true,
        _ => bail!("the only option is --check"),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi");
    for (path, text) in documents(&folder)? {
        if !check {
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            bail!(
                "openapi/{name} is not what the code says: run `{COMMAND}` and commit the result"
            );
        }
    }
    Ok(())
}

/// Every document's path and text.
fn documents(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let system = Area {
        name: "system",
        document: with_servers(homeroom_system::openapi(), system_servers()),
    };
    let school = Area {
        name: "school",
        document: with_servers(homeroom_school::openapi(), school_servers()),
    };
    let chatbot = Area {
        name: "chatbot",
        document: with_servers(homeroom_chatbot::openapi(), school_servers()),
    };
    let sms = Area {
        name: "sms",
        document: at_schools(with_servers(homeroom_sms::openapi(), system_servers())),
    };
    let areas = [system, school, chatbot, sms];
    let all = merge(&areas)?;
    let named = areas
        .iter()
        .map(|area| (area.name, &area.document))
        .chain([("openapi", &all)]);
    named
        .map(|(name, document)| Ok((folder.join(format!("{name}.json")), text(document)?)))
        .collect()
}

fn text(document: &OpenApi) -> Result<String> {
    Ok(document.to_pretty_json()? + "\n")
}

fn with_servers(mut document: OpenApi, servers: Vec<Server>) -> OpenApi {
    document.servers = Some(servers);
    document
}

/// What a school's own is, at the school's host.
fn at_schools(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        if path.starts_with(SCHOOL) {
            item.servers = Some(school_servers());
        }
    }
    document
}

fn system_servers() -> Vec<Server> {
    let public = ServerBuilder::new()
        .url("https://{domain}")
        .description(Some("The platform's public host."));
    let local = ServerBuilder::new()
        .url("http://localhost:8787")
        .description(Some("The platform on this machine."));
    vec![with_domain(public).build(), local.build()]
}

fn school_servers() -> Vec<Server> {
    let public = ServerBuilder::new()
        .url("https://{school}.{domain}")
        .description(Some("A school's host."));
    let local = ServerBuilder::new().url("http://{school}.localhost:8787");
    let local = local.description(Some("A school of the platform on this machine."));
    vec![
        with_school(with_domain(public)).build(),
        with_school(local).build(),
    ]
}

fn with_domain(server: ServerBuilder) -> ServerBuilder {
    let domain = ServerVariableBuilder::new().default_value("homeroom.example");
    server.parameter(
        "domain",
        domain.description(Some("The platform's public domain.")),
    )
}

fn with_school(server: ServerBuilder) -> ServerBuilder {
    let school = ServerVariableBuilder::new().default_value("greenwood");
    server.parameter(
        "school",
        school.description(Some("The school's schema name.")),
    )
}

/// One document of all areas: what areas share is in it once, what is an area's own carries the area's name.
fn merge(areas: &[Area]) -> Result<OpenApi> {
    let shared = shared_schemas(areas);
    let mut all = OpenApi::new(info(areas)?, utoipa::openapi::Paths::new());
    let mut groups = Vec::new();
    let mut tags = Vec::new();
    all.servers = Some(system_servers());
    let components = all.components.get_or_insert_default();
    for area in areas {
        let mut document = with_prefixes(area, &shared)?;
        let theirs = document.components.take().unwrap_or_default();
        join(&mut components.schemas, theirs.schemas)?;
        join(&mut components.responses, theirs.responses)?;
        join(&mut components.parameters, theirs.parameters)?;
        join(&mut components.headers, theirs.headers)?;
        join(&mut components.security_schemes, theirs.security_schemes)?;
        for (path, mut item) in document.paths.paths {
            if item.servers.is_none() && document.servers != all.servers {
                item.servers.clone_from(&document.servers);
            }
            for operation in operations(&mut item) {
                let id = operation.operation_id.get_or_insert_default();
                *id = format!("{}_{id}", area.name);
                operation
                    .tags
                    .iter_mut()
                    .flatten()
                    .for_each(|tag| *tag = format!("{}-{tag}", area.name));
            }
            if all.paths.paths.insert(path.clone(), item).is_some() {
                bail!("two areas serve {path}");
            }
        }
        let mut names = Vec::new();
        for mut tag in document.tags.into_iter().flatten() {
            tag.name = format!("{}-{}", area.name, tag.name);
            names.push(tag.name.clone());
            tags.push(tag);
        }
        groups.push(serde_json::json!({"name": area.name, "tags": names}));
    }
    all.tags = Some(tags);
    all.extensions = Some(ExtensionsBuilder::new().add("x-tagGroups", groups).build());
    Ok(all)
}

fn info(areas: &[Area]) -> Result<Info> {
    let first = areas.first().context("there are no areas")?;
    let mut info = first.document.info.clone();
    "Homeroom".clone_into(&mut info.title);
    info.description = Some(
        "All areas of the platform in one document. Each path names the host that serves it: the platform's public host, \
         or a school's own."
            .to_owned(),
    );
    Ok(info)
}

fn join<T: PartialEq>(all: &mut BTreeMap<String, T>, more: BTreeMap<String, T>) -> Result<()> {
    for (name, component) in more {
        match all.get(&name) {
            Some(known) if *known != component => {
                bail!("the areas mean different things by the component {name}")
            }
            _ => {
                all.insert(name, component);
            }
        }
    }
    Ok(())
}

/// Schemas that more than one area has, alike in themselves and in all that they refer to.
fn shared_schemas(areas: &[Area]) -> BTreeSet<String> {
    let mut seen: BTreeMap<&String, Vec<&RefOr<Schema>>> = BTreeMap::new();
    for schemas in areas
        .iter()
        .filter_map(|area| Some(&area.document.components.as_ref()?.schemas))
    {
        for (name, schema) in schemas {
            seen.entry(name).or_default().push(schema);
        }
    }
    let mut shared: BTreeMap<&String, BTreeSet<String>> = seen
        .into_iter()
        .filter(|(_, schemas)| {
            schemas.len() > 1 && schemas.windows(2).all(|pair| pair.first() == pair.last())
        })
        .filter_map(|(name, schemas)| Some((name, references(schemas.first()?))))
        .collect();
    loop {
        let names: BTreeSet<String> = shared.keys().map(|name| (*name).clone()).collect();
        shared.retain(|_, references| references.is_subset(&names));
        if shared.len() == names.len() {
            return names;
        }
    }
}

fn references(schema: &RefOr<Schema>) -> BTreeSet<String> {
    let text = serde_json::to_string(schema).unwrap_or_default();
    let rest = text.split(SCHEMAS).skip(1);
    rest.filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The area's document with the area's name in front of the names of its own schemas.
fn with_prefixes(area: &Area, shared: &BTreeSet<String>) -> Result<OpenApi> {
    let mut document = area.document.clone();
    let rename = |name: &str| {
        if shared.contains(name) {
            name.to_owned()
        } else {
            prefixed(area.name, name)
        }
    };
    let components = document.components.get_or_insert_default();
    let mut renamed = BTreeMap::new();
    for (name, mut schema) in std::mem::take(&mut components.schemas) {
        each_reference(&mut schema, &rename);
        if renamed.insert(rename(&name), schema).is_some() {
            bail!(
                "two schemas of {} get the same name in the document of all areas",
                area.name
            );
        }
    }
    components.schemas = renamed;
    for content in components
        .responses
        .values_mut()
        .filter_map(inline)
        .flat_map(|answer| answer.content.values_mut())
        .filter_map(inline)
    {
        if let Some(schema) = &mut content.schema {
            each_reference(schema, &rename);
        }
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let body = operation
            .request_body
            .iter_mut()
            .filter_map(inline)
            .flat_map(|body| body.content.values_mut());
        let answers = operation
            .responses
            .responses
            .values_mut()
            .filter_map(inline);
        let contents = body.chain(answers.flat_map(|answer| answer.content.values_mut()));
        for schema in contents
            .filter_map(inline)
            .filter_map(|content| content.schema.as_mut())
        {
            each_reference(schema, &rename);
        }
    }
    Ok(document)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn inline<T>(component: &mut RefOr<T>) -> Option<&mut T> {
    match component {
        RefOr::T(component) => Some(component),
        RefOr::Ref(_) => None,
    }
}

/// Renames what a schema refers to.
fn each_reference(schema: &mut RefOr<Schema>, rename: &dyn Fn(&str) -> String) {
    let schema = match schema {
        RefOr::Ref(reference) => {
            if let Some(name) = reference.ref_location.strip_prefix(SCHEMAS) {
                reference.ref_location = format!("{SCHEMAS}{}", rename(name));
            }
            return;
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) => {
            object
                .properties
                .values_mut()
                .for_each(|property| each_reference(property, rename));
            if let Some(AdditionalProperties::RefOr(more)) =
                object.additional_properties.as_deref_mut()
            {
                each_reference(more, rename);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                each_reference(items, rename);
            }
        }
        Schema::OneOf(some) => some
            .items
            .iter_mut()
            .for_each(|item| each_reference(item, rename)),
        Schema::AllOf(all) => all
            .items
            .iter_mut()
            .for_each(|item| each_reference(item, rename)),
        Schema::AnyOf(any) => any
            .items
            .iter_mut()
            .for_each(|item| each_reference(item, rename)),
        _ => {}
    }
}

/// `RoleOut` of the system area becomes `SystemRoleOut`; a name that begins so already stays.
fn prefixed(area: &str, name: &str) -> String {
    let (list, name) = name
        .strip_prefix(LIST)
        .map_or(("", name), |item| (LIST, item));
    let (first, rest) = area.split_at(1);
    let prefix = first.to_uppercase() + rest;
    let prefix = if name.starts_with(&prefix) {
        String::new()
    } else {
        prefix
    };
    format!("{list}{prefix}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_all_areas_has_every_route_once_under_its_own_name() -> Result<()> {
        let documents = documents(Path::new(""))?;
        let parsed = documents
            .iter()
            .map(|(_, text)| Ok(serde_json::from_str(text)?));
        let parsed: Vec<serde_json::Value> = parsed.collect::<Result<_>>()?;
        let ids = |document: &serde_json::Value| -> Vec<String> {
            let items = document["paths"]
                .as_object()
                .into_iter()
                .flat_map(|paths| paths.values());
            let operations =
                items.flat_map(|item| item.as_object().into_iter().flat_map(|item| item.values()));
            operations
                .filter_map(|operation| operation["operationId"].as_str())
                .map(str::to_owned)
                .collect()
        };
        let [areas @ .., all] = parsed.as_slice() else {
            bail!("there are no documents")
        };
        let names = ["system", "school", "chatbot", "sms"];
        let mut expected: Vec<String> = names
            .iter()
            .zip(areas)
            .flat_map(|(name, area)| ids(area).into_iter().map(move |id| format!("{name}_{id}")))
            .collect();
        let mut found = ids(all);
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        found.dedup();
        assert_eq!(found.len(), expected.len());
        Ok(())
    }

    #[test]
    fn every_reference_in_every_document_leads_somewhere() -> Result<()> {
        for (path, text) in documents(Path::new(""))? {
            let document: serde_json::Value = serde_json::from_str(&text)?;
            for reference in text
                .split("\"$ref\": \"#")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                assert!(
                    document.pointer(reference).is_some(),
                    "{}: {reference}",
                    path.display()
                );
            }
        }
        Ok(())
    }

    #[test]
    fn a_schema_of_one_area_is_named_after_it() {
        assert_eq!(prefixed("system", "RoleOut"), "SystemRoleOut");
        assert_eq!(prefixed("school", "List_RoleOut"), "List_SchoolRoleOut");
        assert_eq!(prefixed("school", "SchoolOut"), "SchoolOut");
    }
}
