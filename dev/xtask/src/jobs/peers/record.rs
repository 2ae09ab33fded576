//! Reads the list of peers.

use toml::{Table, Value};

/// A peer whose tests run against us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) version: String,
    /// Runs in the gate, not only at night.
    pub(super) gate: bool,
    /// Tests that run.
    pub(super) tests: usize,
    /// Examples of its documentation that run.
    pub(super) examples: usize,
    /// Its files of tests, and what they include.
    pub(super) files: Vec<String>,
    /// Its sources with modules of tests.
    pub(super) units: Vec<String>,
    /// A line for each of those modules: names that are private to the peer.
    pub(super) uses: String,
    /// What those modules say of the peer's inside, and what it is replaced by.
    pub(super) swap: Vec<(String, String)>,
    /// Modules of tests that run at night only, and how many tests they have.
    pub(super) dear: Vec<(String, usize)>,
    /// Features that its tests ask for.
    pub(super) features: Vec<String>,
    /// Its sources with examples.
    pub(super) sources: Vec<String>,
    /// Lines for the dependencies of its tests.
    pub(super) dev: Vec<String>,
    /// Other stand-ins that its tests use.
    pub(super) beside: Vec<String>,
    /// Pieces of it that have no stand-in, and why.
    pub(super) without: Vec<(String, String)>,
    pub(super) exceptions: Vec<Exception>,
}

/// A test that we do not pass on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) test: String,
    pub(super) reason: String,
    /// `file::test` of ours that shows what we do instead.
    pub(super) ours: String,
    /// It does not end, so it is not run.
    pub(super) hangs: bool,
}

const KEYS: [&str; 16] = [
    "name", "version", "place", "tests", "examples", "files", "units", "uses", "swap", "dear",
    "features", "sources", "dev", "beside", "without", "except",
];

/// The peers of the list.
pub(super) fn parse(text: &str) -> Result<Vec<Peer>, String> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    if let Some(key) = table.keys().find(|key| *key != "peer") {
        return Err(format!(
            "`{key}` is unknown; entries begin with `[[peer]]`."
        ));
    }
    let peers = table.get("peer").and_then(Value::as_array);
    peers.into_iter().flatten().map(peer).collect()
}

fn peer(entry: &Value) -> Result<Peer, String> {
    let table = entry.as_table().ok_or("an entry is not a table.")?;
    let name = string(table, "name")?;
    let wrong = |why: String| format!("in the entry {name}, {why}");
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(wrong(format!("`{key}` is unknown.")));
    }
    let number = |key: &str| {
        let value = table.get(key).and_then(Value::as_integer);
        let value = value.and_then(|value| usize::try_from(value).ok());
        value.ok_or_else(|| wrong(format!("`{key}` is to be a number.")))
    };
    let gate = match string(table, "place").map_err(&wrong)?.as_str() {
        "gate" => true,
        "night" => false,
        other => return Err(wrong(format!("`place` is gate or night, not {other}."))),
    };
    let excepted = table.get("except").and_then(Value::as_array);
    let texts = |key: &str| -> Vec<(String, String)> {
        let texts = table.get(key).and_then(Value::as_table);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        texts
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect()
    };
    let dear = table.get("dear").and_then(Value::as_table);
    let dear = dear.into_iter().flatten().map(|(module, tests)| {
        let tests = tests
            .as_integer()
            .and_then(|tests| usize::try_from(tests).ok());
        let tests = tests.ok_or_else(|| wrong(format!("`dear.{module}` is to be a number.")));
        Ok::<_, String>((module.clone(), tests?))
    });
    let uses = table.get("uses").and_then(Value::as_str);
    Ok(Peer {
        version: string(table, "version").map_err(&wrong)?,
        gate,
        tests: number("tests")?,
        examples: number("examples")?,
        files: strings(table, "files").map_err(&wrong)?,
        units: strings(table, "units").map_err(&wrong)?,
        uses: uses.unwrap_or_default().to_owned(),
        swap: texts("swap"),
        dear: dear.collect::<Result<_, _>>()?,
        features: strings(table, "features").map_err(&wrong)?,
        sources: strings(table, "sources").map_err(&wrong)?,
        dev: strings(table, "dev").map_err(&wrong)?,
        beside: strings(table, "beside").map_err(&wrong)?,
        without: texts("without"),
        exceptions: excepted
            .into_iter()
            .flatten()
            .map(|entry| exception(entry).map_err(&wrong))
            .collect::<Result<_, _>>()?,
        name: name.clone(),
    })
}

fn exception(entry: &Value) -> Result<Exception, String> {
    let table = entry.as_table().ok_or("an exception is not a table.")?;
    let exception = Exception {
        test: string(table, "test")?,
        reason: string(table, "reason")?,
        ours: string(table, "ours")?,
        hangs: table.get("hangs").and_then(Value::as_bool) == Some(true),
    };
    match exception.reason.trim().is_empty() {
        true => Err(format!("the exception {} needs a reason.", exception.test)),
        false => Ok(exception),
    }
}

fn string(table: &Table, key: &str) -> Result<String, String> {
    match table.get(key).and_then(Value::as_str) {
        Some(value) => Ok(value.to_owned()),
        None => Err(format!("`{key}` is to be a string.")),
    }
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>, String> {
    let Some(value) = table.get(key) else {
        return Ok(Vec::new());
    };
    let wrong = || format!("`{key}` is to be a list of strings.");
    let entries = value.as_array().ok_or_else(wrong)?;
    let text = |entry: &Value| entry.as_str().map(str::to_owned).ok_or_else(wrong);
    entries.iter().map(text).collect()
}

/// The edition that a manifest names.
pub(super) fn edition(manifest: &str) -> String {
    let table: Option<Table> = manifest.parse().ok();
    let edition = table
        .as_ref()
        .and_then(|table| table.get("package")?.get("edition"));
    edition.and_then(Value::as_str).unwrap_or("2015").to_owned()
}
