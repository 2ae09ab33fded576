use super::chosen;

#[test]
fn sanitizers_and_their_faults_may_be_chosen() {
    let list = "[[planted]]\nname = \"race\"\nclass = \"race\"\nfile = \"a.rs\"\nfind = \"b\"\n\
                replace = \"c\"\ntest = \"d\"\nengine = \"tsan\"\n";
    let plants = crate::jobs::planted::parse(list).unwrap();
    let only = |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).into()).collect() };
    let both = only(&["tsan-full", "race"]);
    assert_eq!(
        chosen(&both, &plants),
        Ok((vec!["tsan-full"], vec!["race"]))
    );
    assert_eq!(chosen(&[], &plants), Ok((vec![], vec![])));
    let wrong = only(&["leak"]);
    assert!(chosen(&wrong, &plants).unwrap_err().contains("leak"));
}
