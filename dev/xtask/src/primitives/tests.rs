use super::{assign, models_in};
use std::collections::BTreeMap;

fn models() -> BTreeMap<String, Vec<String>> {
    let file = |name: &str, models: &[&str]| {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        (name.to_owned(), models)
    };
    [
        file("mutex", &["excludes"]),
        file("base", &["lock_a", "lock_b", "cell"]),
        file("new", &["first"]),
        file("other", &["test"]),
    ]
    .into()
}

#[test]
fn each_model_has_its_primitive() {
    let list = "beside = [\"other\"]\n[[primitive]]\nname = \"Mutex\"\nmodels = [\"mutex\"]\n\
                [[primitive]]\nname = \"lock\"\nmodels = [\"base::lock_*\", \"base::cell\"]\n";
    let found = assign(list, &models()).unwrap();
    let names: Vec<&str> = found.iter().map(|primitive| &*primitive.name).collect();
    assert_eq!(names, ["Mutex", "lock", "new"]);
    assert_eq!(found[1].models.len(), 3);
    let half = list.replace(", \"base::cell\"", "");
    assert!(assign(&half, &models()).unwrap_err().contains("base::cell"));
    let wrong = list.replace("base::cell", "base::sell");
    assert!(
        assign(&wrong, &models())
            .unwrap_err()
            .contains("base::sell")
    );
    assert!(
        assign("beside = [\"x\"]", &models())
            .unwrap_err()
            .contains("x")
    );
}

#[test]
fn models_are_found_in_their_macro_only() {
    let text =
        "fn a() {}\nmodel! {\n    fn b(x: 1) {\n        fn c() {}\n    }\n}\n    fn d() {}\n";
    assert_eq!(models_in(text), ["b"]);
}
