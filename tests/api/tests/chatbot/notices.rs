use homeroom_api_tests::samples::Scene;
use serde_json::json;

use super::bot;

#[test]
fn a_family_reads_the_notices_that_are_shown_now_and_concern_it() {
    let scene = Scene::new();
    let (family, other) = (scene.family(1), scene.family(2));
    let admin = &scene.school.admin;
    let own = &scene.app.rows(
        &scene.school.slot,
        &format!(
            "select r.academic_class, c.form from student_sessions r join academic_classes a on a.id = r.academic_class \
             join classes c on c.id = a.class where r.student = '{}'",
            family.student
        ),
    )[0];
    let now = scene.app.now();
    let (before, after) = (now.plus_seconds(-600), now.plus_seconds(600));
    for notice in [
        json!({"title": "All", "audience": "everyone"}),
        json!({"title": "Staff", "audience": "staff"}),
        json!({"title": "Parents", "audience": "guardians"}),
        json!({"title": "Pupils", "audience": "students"}),
        json!({"title": "Class", "audience": "class", "academic_class": own[0]}),
        json!({"title": "Later", "audience": "everyone", "publish_at": after}),
        json!({"title": "Over", "audience": "everyone", "publish_at": before, "expires_at": now}),
    ] {
        let mut body = notice;
        body["body"] = json!("Text");
        admin.post("notices/", &body).expect(201);
    }
    let bot = bot(&scene, &["chatbot.view_notice"]);
    let titles = |query: &str| {
        let list = bot.get(&format!("notices/?ordering=title{query}"));
        list.status(200).column("title")
    };
    assert_eq!(titles(""), ["All"]);
    assert_eq!(titles("&phone=263770000000"), ["All"]);
    assert_eq!(titles("&phone=nobody"), ["All"]);
    assert_eq!(
        titles(&format!("&phone={}", family.phone)),
        ["All", "Class", "Parents"]
    );
    assert_eq!(
        titles(&format!("&phone={}", other.phone)),
        ["All", "Parents"]
    );
    assert_eq!(
        titles(&format!("&student_id={}", family.number)),
        ["All", "Class", "Pupils"]
    );
    assert_eq!(
        titles(&format!("&student_id={}", other.number)),
        ["All", "Pupils"]
    );
    assert_eq!(titles("&search=clas"), Vec::<String>::new());
}
