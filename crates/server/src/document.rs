//! The API's description: made from routes and types, committed, and compared with them by a test.

/// As committed: what `GET openapi.json` answers.
pub(crate) const COMMITTED: &str = include_str!("../openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use utoipa::openapi::path::{Operation, PathItem};
    use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
    use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, ResponseBuilder};
    use utoipa::{Modify, OpenApi};
    use valetkey_api::ErrorBody;

    use super::COMMITTED;
    use crate::routes::{Described, ROUTES};

    /// What stands beside the routes.
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Valet Key",
            version = "1",
            description = "Hands short-lived OAuth tokens to the programs of one person on one \
                machine. The Unix socket needs no key; the loopback door takes `Authorization: \
                Bearer vk_...`. Every refusal has the body `ErrorBody`.",
            license(name = "MIT OR Apache-2.0")
        ),
        components(schemas(ErrorBody)),
        security((), ("client_key" = [])),
        modifiers(&ClientKey)
    )]
    struct Base;

    struct ClientKey;

    impl Modify for ClientKey {
        fn modify(&self, document: &mut Document) {
            let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
            let components = document.components.get_or_insert_default();
            components.add_security_scheme("client_key", key);
        }
    }

    fn operations(item: &mut PathItem) -> Vec<&mut Operation> {
        let all = [
            &mut item.get,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        all.into_iter().flatten().collect()
    }

    fn document() -> Document {
        let mut document = Base::openapi();
        document.merge(Described::openapi());
        let refusal = ResponseBuilder::new()
            .description("A refusal; the status goes with its code.")
            .content(
                "application/json",
                Content::new(Some(Ref::from_schema_name("ErrorBody"))),
            )
            .build();
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let responses = &mut operation.responses.responses;
                responses.insert("default".to_owned(), RefOr::T(refusal.clone()));
            }
        }
        document
    }

    #[test]
    fn the_committed_document_describes_the_routes() {
        let text = document().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
            std::fs::write(path, text).unwrap();
        } else {
            assert!(
                text == COMMITTED,
                "routes or types changed: UPDATE_OPENAPI=1 cargo nextest run -p valetkey-server"
            );
        }
    }

    #[test]
    fn each_route_describes_itself_under_its_own_path_and_method() {
        let routed: BTreeSet<_> = ROUTES.iter().copied().collect();
        let document = document();
        let mut described = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in [
                ("get", &item.get),
                ("post", &item.post),
                ("patch", &item.patch),
                ("delete", &item.delete),
            ] {
                if operation.is_some() {
                    described.insert((path.as_str(), method));
                }
            }
        }
        assert_eq!(described, routed);
    }

    #[test]
    fn every_operation_says_what_it_answers() {
        for (path, item) in &mut document().paths.paths {
            for operation in operations(item) {
                assert!(operation.summary.is_some(), "{path}");
                assert!(operation.responses.responses.len() > 1, "{path}");
            }
        }
    }
}
