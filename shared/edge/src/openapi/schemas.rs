//! What the schemas of all areas have in common.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::{
    Ref, RefOr, Schema,
    schema::{ArrayItems, SchemaType, Type},
};

use super::LIST;

/// Lists refer to what they list, and answers promise the fields that they always carry, null or not.
pub(super) fn complete_schemas(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let RefOr::T(schema) = schema else { continue };
        if name.ends_with("Out") {
            require_nullable(schema);
        }
        if let (Some(item), Schema::Object(page)) = (name.strip_prefix(LIST), schema)
            && names.contains(item)
            && let Some(RefOr::T(Schema::Array(results))) = page.properties.get_mut("results")
        {
            results.items =
                ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
        }
    }
}

fn require_nullable(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            for (name, property) in &object.properties {
                if is_nullable(property) && !object.required.contains(name) {
                    object.required.push(name.clone());
                }
            }
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| {
            if let RefOr::T(item) = item {
                require_nullable(item);
            }
        }),
        _ => {}
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let null = |kind: &SchemaType| match kind {
        SchemaType::Type(kind) => *kind == Type::Null,
        SchemaType::Array(kinds) => kinds.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => null(&object.schema_type),
        RefOr::T(Schema::Array(array)) => null(&array.schema_type),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().any(is_nullable),
        _ => false,
    }
}

/// Schemas whose fields are all text, numbers, truth values, or lists of them.
pub(super) fn flat_schemas(schemas: &BTreeMap<String, RefOr<Schema>>) -> BTreeSet<String> {
    let is_text = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => {
            object.properties.is_empty() && object.additional_properties.is_none()
        }
        _ => false,
    };
    let is_field = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Array(array)) => {
            matches!(&array.items, ArrayItems::RefOrSchema(items) if is_text(items))
        }
        other => is_text(other),
    };
    let is_flat = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => {
            !object.properties.is_empty() && object.properties.values().all(is_field)
        }
        _ => false,
    };
    schemas
        .iter()
        .filter(|(_, schema)| is_flat(schema))
        .map(|(name, _)| name.clone())
        .collect()
}
