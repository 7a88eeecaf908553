//! Catalogue files of the person's own.

use serde_json::json;
use valetkey_api::own_providers;

use crate::fixture::Fixture;

const ACME: &str = include_str!("../../../core/src/catalogue/acme.toml");

#[tokio::test]
async fn own_providers_are_listed_and_used_and_a_wrong_file_is_named() {
    let fixture = Fixture::new().await;
    let folder = fixture.app.home().providers();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("acme.toml"), ACME).unwrap();
    std::fs::write(
        folder.join("bad.toml"),
        ACME.replace("token_url", "tokenurl"),
    )
    .unwrap();
    own_providers::install(fixture.app.home());

    let list = fixture.get("/oauth/providers").await.is(200);
    let all = list["providers"].as_array().unwrap();
    let acme = all.iter().find(|one| one["id"] == "acme").unwrap();
    assert_eq!(acme["is_own"], true);
    let message = "line 5: unknown field `tokenurl`; did you mean `token_url`?";
    assert_eq!(
        list["wrong_files"],
        json!([{"file": "bad.toml", "message": message}])
    );

    let draft = json!({"authenticator_type": "acme", "client_id": "x"});
    let added = fixture.post("/oauth/authenticators", draft).await.is(201);
    let added = &added["authenticator"];
    assert_eq!(
        added["endpoints"]["token_url"],
        "https://login.acme.example/token"
    );
    assert_eq!(added["differs_from_file"], false);

    let report = fixture.post("/doctor", json!({})).await.is(200);
    let checks = report["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|one| one["name"] == "providers")
        .unwrap();
    assert_eq!(check["outcome"], "warning");
    assert!(
        check["message"]
            .as_str()
            .unwrap()
            .contains("bad.toml: line 5"),
        "{check}"
    );
}
