//! The callbacks of a room, from rustdoc's JSON.
//!
//! A name is `room::Type, T: Trait` for a bound on a type's parameter, `room::Type::method, f:
//! Trait` for one on a method's, and `room::Type: Waker::wake` where a waker is taken.

use serde_json::Value;
use std::collections::BTreeSet;

/// Traits of the standard library whose methods may be the user's code.
const CALLED: &[&str] = &[
    "AddAssign",
    "AsMut",
    "AsRef",
    "Borrow",
    "Clone",
    "Debug",
    "Default",
    "Deref",
    "Display",
    "Eq",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "Future",
    "Hash",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "ToOwned",
];

/// Modules that are no part of the facade: what the rooms are built of.
const INNER: &[&str] = &["base::prim", "base::record", "base::fence", "base::tune"];

/// What can be done with a waker.
const WAKER: [&str; 3] = ["Waker::clone", "Waker::wake", "Waker::drop"];

/// The callbacks of a room.
pub(super) fn callbacks(room: &str, document: &Value) -> Result<BTreeSet<String>, String> {
    let index = document["index"].as_object();
    let index = index.filter(|index| !index.is_empty()).ok_or_else(|| {
        let format = &document["format_version"];
        format!(
            "rustdoc's format {format} has no index of {room}; see dev/xtask/src/jobs/faults/api.rs."
        )
    })?;
    let mut api = Api {
        room,
        document,
        found: BTreeSet::new(),
    };
    for item in index.values().filter(|item| item["crate_id"] == 0) {
        api.item(item);
    }
    Ok(api.found)
}

struct Api<'d> {
    room: &'d str,
    document: &'d Value,
    found: BTreeSet<String>,
}

impl Api<'_> {
    fn item(&mut self, item: &Value) {
        let (inner, name) = (&item["inner"], item["name"].as_str().unwrap_or_default());
        if let Some(block) = inner.get("impl") {
            return self.block(block);
        }
        let path = self.path(&item["id"]);
        if INNER.iter().any(|inner| path.starts_with(inner)) {
            return;
        }
        if let Some(function) = inner.get("function") {
            // Those of impl blocks and traits are visited with them.
            if !path.is_empty() {
                self.function(&format!("{}::{name}", self.room), function);
            }
        }
        if let Some(definition) = inner.get("trait") {
            let owner = format!("{}::{name}", self.room);
            self.bounds(&owner, &definition["generics"]);
            self.methods(&owner, &definition["items"]);
        }
        for kind in ["struct", "enum"] {
            let Some(definition) = inner.get(kind) else {
                continue;
            };
            for parameter in array(&definition["generics"]["params"]) {
                if let (Some(of), Some(_)) =
                    (parameter["name"].as_str(), parameter["kind"].get("type"))
                {
                    self.found
                        .insert(format!("{}::{name}, {of}: Drop", self.room));
                }
            }
        }
    }

    /// An impl block.
    fn block(&mut self, block: &Value) {
        let given = block["is_synthetic"] == true || !block["blanket_impl"].is_null();
        let of = &block["for"];
        let named = of
            .get("resolved_path")
            .or_else(|| of["borrowed_ref"]["type"].get("resolved_path"));
        let Some(named) = named.filter(|_| !given) else {
            return;
        };
        let path = self.path(&named["id"]);
        if INNER.iter().any(|inner| path.starts_with(inner)) {
            return;
        }
        let owner = format!("{}::{}", self.room, last(&named["path"]));
        self.bounds(&owner, &block["generics"]);
        if last(&block["trait"]["path"]) == "Future" {
            self.wakes(&owner);
        }
        if block["trait"].is_null() {
            self.methods(&owner, &block["items"]);
        }
    }

    /// The public methods of an impl block or a trait.
    fn methods(&mut self, owner: &str, items: &Value) {
        for id in array(items) {
            let method = &self.document["index"][key(id)];
            let name = method["name"].as_str().unwrap_or_default();
            if let Some(function) = method["inner"].get("function") {
                self.function(&format!("{owner}::{name}"), function);
            }
        }
    }

    fn function(&mut self, name: &str, function: &Value) {
        self.bounds_of(name, &function["generics"], &function["sig"]["inputs"]);
        for input in array(&function["sig"]["inputs"]) {
            let argument = input[0].as_str().unwrap_or_default();
            let mut objects = Vec::new();
            objects_in(&input[1], &mut objects);
            let found = objects.iter().filter_map(|object| self.called(object));
            let found = found.map(|called| format!("{name}, {argument}: dyn {called}"));
            let found: Vec<String> = found.collect();
            self.found.extend(found);
        }
        let mut inputs = array(&function["sig"]["inputs"]);
        if inputs.any(|input| takes_waker(&input[1])) {
            self.wakes(name);
        }
    }

    fn wakes(&mut self, owner: &str) {
        let names = WAKER.iter().map(|what| format!("{owner}: {what}"));
        self.found.extend(names);
    }

    fn bounds(&mut self, owner: &str, generics: &Value) {
        self.bounds_of(owner, generics, &Value::Null);
    }

    /// The bounds that are called; of `impl Trait` the parameter is named by the argument.
    fn bounds_of(&mut self, owner: &str, generics: &Value, inputs: &Value) {
        let mut add = |parameter: &str, bound: &Value| {
            if let Some(called) = self.called(bound) {
                self.found.insert(format!("{owner}, {parameter}: {called}"));
            }
        };
        for parameter in array(&generics["params"]) {
            let kind = &parameter["kind"]["type"];
            if kind["is_synthetic"] == true {
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            array(&kind["bounds"]).for_each(|bound| add(name, bound));
        }
        for predicate in array(&generics["where_predicates"]) {
            let predicate = &predicate["bound_predicate"];
            let name = predicate["type"]["generic"].as_str().unwrap_or("?");
            array(&predicate["bounds"]).for_each(|bound| add(name, bound));
        }
        for input in array(inputs) {
            let name = input[0].as_str().unwrap_or_default();
            array(&input[1]["impl_trait"]).for_each(|bound| add(name, bound));
        }
    }

    /// The trait of a bound, if what it stands for may be the user's code.
    fn called(&self, bound: &Value) -> Option<String> {
        let of = bound.get("trait_bound").unwrap_or(bound).get("trait")?;
        let name = last(&of["path"]);
        if CALLED.contains(&name.as_str()) {
            return Some(name);
        }
        let ours = &self.document["index"][key(&of["id"])];
        let ours = ours["inner"].get("trait")?;
        let sealed = array(&ours["bounds"]).any(|bound| {
            let above = &bound["trait_bound"]["trait"]["path"];
            last(above) == "Sealed"
        });
        (!sealed).then_some(name)
    }

    /// The path of an item from its room, or nothing if it has none of its own.
    fn path(&self, id: &Value) -> String {
        let path = &self.document["paths"][key(id)]["path"];
        let parts: Vec<&str> = array(path).filter_map(Value::as_str).collect();
        let path = parts.join("::");
        path.strip_prefix("counterpoint_")
            .unwrap_or(&path)
            .to_owned()
    }
}

/// The trait objects within a type.
fn objects_in<'v>(kind: &'v Value, found: &mut Vec<&'v Value>) {
    match kind {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "dyn_trait" => found.extend(array(&value["traits"])),
                    _ => objects_in(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| objects_in(value, found)),
        _ => {}
    }
}

/// True if a waker comes with an argument of this type.
fn takes_waker(kind: &Value) -> bool {
    let named = kind
        .get("resolved_path")
        .or_else(|| kind["borrowed_ref"]["type"].get("resolved_path"));
    named.is_some_and(|named| ["Context", "Waker"].contains(&last(&named["path"]).as_str()))
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// An id as a key.
fn key(id: &Value) -> String {
    id.to_string()
}

/// The last name of a path.
fn last(path: &Value) -> String {
    let path = path.as_str().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default().to_owned()
}
