//! The API's description: made from routes and types, committed, and compared with them by a test.
//! That it is valid OpenAPI is seen to where the page's types are made from it (`ui/scripts`).

/// As committed: what `GET openapi.json` answers.
pub(crate) const COMMITTED: &str = include_str!("../openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use http::StatusCode;
    use serde_json::Value;
    use utoipa::openapi::path::{Operation, PathItem};
    use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
    use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder};
    use utoipa::{Modify, OpenApi};
    use valetkey_api::core::event::EventKind;
    use valetkey_api::sign_in::{SignInCompleted, SignInError};
    use valetkey_api::{ErrorBody, ErrorCode};

    use super::COMMITTED;
    use crate::routes::{Described, ROUTES};

    /// What stands beside the routes.
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Valet Key",
            version = "1",
            description = "Hands short-lived OAuth tokens to the programs of one person on one \
                machine. The Unix socket needs no key; the loopback listener takes `Authorization: \
                Bearer vk_...`. Every error has the body `ErrorBody`.",
            license(name = "MIT or Apache 2.0", identifier = "MIT OR Apache-2.0")
        ),
        servers((
            url = "http://127.0.0.1:4315",
            description = "The loopback listener; `endpoint.json` names its port if that was taken."
        )),
        // The last two are arguments of a generic type, which are not found by themselves.
        components(schemas(ErrorBody, SignInCompleted, SignInError)),
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
        let schemas = serde_json::to_value(&document.components).expect("it is JSON");
        let error = ResponseBuilder::new()
            .description("An error; the status goes with its code.")
            .content(
                "application/json",
                Content::new(Some(Ref::from_schema_name("ErrorBody"))),
            )
            .build();
        let components = document.components.get_or_insert_default();
        components
            .responses
            .insert("Error".to_owned(), error.into());
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                operation.operation_id = Some(unique_id(operation));
                let described = serde_json::to_value(&*operation).expect("it is JSON");
                let errors = usual_errors(&described);
                if let Some(RefOr::T(body)) = &mut operation.request_body
                    && takes_nothing(&described, &schemas)
                {
                    body.required = Some(Required::False);
                }
                let responses = &mut operation.responses.responses;
                let named: Vec<_> = responses
                    .keys()
                    .filter(|status| is_error(status))
                    .cloned()
                    .collect();
                for status in errors
                    .into_iter()
                    .map(|status| status.to_string())
                    .chain(named)
                {
                    responses.insert(status, Ref::from_response_name("Error").into());
                }
                for (status, response) in responses.iter_mut() {
                    if let RefOr::T(response) = response {
                        response.description = meaning(status);
                    }
                }
            }
        }
        document
    }

    /// The errors that come of what a request is made of. A route names its others.
    fn usual_errors(operation: &Value) -> Vec<u16> {
        // The guard, the permission, our own bugs, and an agent that stops or reaches no keychain.
        let mut statuses = vec![401, 403, 429, 500, 503];
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            statuses.push(400);
            if parameter["in"] == "path" {
                statuses.push(404);
            }
        }
        if !operation["requestBody"].is_null() {
            statuses.extend([400, 408, 413, 415]);
        }
        statuses
    }

    fn is_error(status: &str) -> bool {
        status >= "4"
    }

    /// No body is read as `{}`, which this schema allows.
    fn takes_nothing(operation: &Value, components: &Value) -> bool {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let name = schema.as_str().and_then(|path| path.rsplit('/').next());
        let name = name.expect("bodies are named schemas");
        components["schemas"][name]["required"].is_null()
    }

    /// What a status says for itself.
    fn meaning(status: &str) -> String {
        let status: StatusCode = status.parse().expect("a number");
        status.canonical_reason().expect("a usual one").to_owned()
    }

    /// `connections_list`: functions are called alike in several modules.
    fn unique_id(operation: &Operation) -> String {
        let tags = operation.tags.as_deref().unwrap_or_default();
        let function = operation.operation_id.as_deref().unwrap_or_default();
        format!("{}_{function}", tags.join("_")).replace('-', "_")
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

    #[test]
    fn every_error_is_named_with_its_status() {
        let statuses: BTreeSet<_> = ErrorCode::ALL
            .iter()
            .map(|code| code.http_status())
            .collect();
        for (path, item) in &mut document().paths.paths {
            for operation in operations(item) {
                for status in operation.responses.responses.keys() {
                    let status: u16 = status.parse().expect("no `default`: it hides the others");
                    let exact = [405, 408, 413, 415];
                    assert!(
                        status < 300 || statuses.contains(&status) || exact.contains(&status),
                        "{path}: {status}"
                    );
                }
            }
        }
    }

    #[test]
    fn enums_list_the_words_on_the_wire() {
        let document = serde_json::to_value(document()).unwrap();
        let schemas = &document["components"]["schemas"];
        let codes = serde_json::to_value(ErrorCode::ALL).unwrap();
        assert_eq!(schemas["ErrorCode"]["enum"], codes);
        let kinds = serde_json::to_value(EventKind::ALL).unwrap();
        assert_eq!(schemas["EventKind"]["enum"], kinds);
        for (name, schema) in schemas.as_object().unwrap() {
            for word in schema["enum"].as_array().into_iter().flatten() {
                let word = word.as_str().unwrap();
                assert_eq!(word, word.to_lowercase(), "{name}");
            }
        }
    }
}
