// From crates/server/openapi.json, by `npm run types`.
export interface paths {
    "/api/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List questions
         * @description What programs asked for, and nobody has answered.
         */
        get: operations["access_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer a question
         * @description Over the socket, while no desktop app runs: its window is then the only place for answers.
         */
        post: operations["access_answer_approval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{id}/show": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show a question
         * @description The desktop app shows it in its window, after those that are asked already.
         */
        post: operations["access_show_approval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List client keys */
        get: operations["clients_list"];
        put?: never;
        /**
         * Create a client key
         * @description The key is shown this once. It is used at the port that the loopback listener has: the first key
         *     fixes that port in the settings.
         */
        post: operations["clients_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a client key */
        delete: operations["clients_revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm a client key
         * @description One that was made while no desktop app ran. Confirmed in the desktop app.
         */
        post: operations["clients_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List connections
         * @description A client key sees its own.
         */
        get: operations["connections_list"];
        put?: never;
        /**
         * Begin a sign-in
         * @description Opens no browser: open `authorize_url` if there is one, then wait for the session.
         */
        post: operations["sign_ins_begin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/connections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show a connection */
        get: operations["connections_show"];
        put?: never;
        post?: never;
        /**
         * Disconnect
         * @description Revokes the tokens at the provider where that is possible, then forgets them.
         */
        delete: operations["connections_disconnect"];
        options?: never;
        head?: never;
        /** Change a connection */
        patch: operations["connections_update"];
        trace?: never;
    };
    "/api/v1/credentials/connections/{id}/invalidate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report that a token was refused
         * @description If it is still the current one it is replaced; a report about an older one changes nothing.
         */
        post: operations["tokens_invalidate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/connections/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh a token now
         * @description Joins a refresh that is under way. Never answers from memory.
         */
        post: operations["tokens_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/connections/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a connection
         * @description Asks the provider whether it takes the token; one that it refuses is refreshed and tried once more.
         *     Hands out none.
         */
        post: operations["connections_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/connections/{id}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hand out a token
         * @description From memory if it is fresh, else after one refresh that all callers share.
         */
        post: operations["tokens_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a sign-in
         * @description With `wait` the answer comes when it ends, or after so many seconds.
         */
        get: operations["sign_ins_show"];
        put?: never;
        post?: never;
        /** Cancel a sign-in */
        delete: operations["sign_ins_cancel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/credentials/sessions/{id}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Finish a sign-in by pasting
         * @description Takes the address on which the browser ended.
         */
        post: operations["sign_ins_callback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check the agent
         * @description Writes, reads and deletes one probe item in the secret store.
         */
        post: operations["agent_doctor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log
         * @description With `follow` the reply is a stream of server-sent events that goes on; `Last-Event-ID` resumes
         *     it.
         */
        get: operations["events_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify the audit log
         * @description Checks every line against the chain whose key is in the keychain: what was changed, removed or cut
         *     off by something other than Valet Key is found.
         */
        post: operations["events_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/authenticators": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List authenticators */
        get: operations["authenticators_list"];
        put?: never;
        /**
         * Add an authenticator
         * @description Everything that is wrong is named at once, in `problems`.
         */
        post: operations["authenticators_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/authenticators/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show an authenticator */
        get: operations["authenticators_show"];
        put?: never;
        post?: never;
        /**
         * Remove an authenticator
         * @description One with connections is a `conflict`, unless `force` disconnects them first.
         */
        delete: operations["authenticators_remove"];
        options?: never;
        head?: never;
        /**
         * Change an authenticator
         * @description A merge patch (RFC 7396) with `is_active` beside it. Connections stay signed in. Logins, and a
         *     client secret that is not given anew, are bound to their servers: a change that would send them
         *     to another one is a `conflict`, unless `force`. A client key never changes where secrets are sent.
         */
        patch: operations["authenticators_update"];
        trace?: never;
    };
    "/api/v1/oauth/discover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Discover an issuer or MCP server
         * @description Reads what the server publishes (RFC 8414, RFC 9728, OpenID Connect Discovery) and drafts an
         *     authenticator. Registers and stores nothing: `POST` the draft to `oauth/authenticators`.
         */
        post: operations["authenticators_discover"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Export authenticators
         * @description As `valetkey import` reads them back. A client secret is left to a variable, unless `secrets` asks for
         *     it: then the caller is a program, and while the desktop app runs the person confirms it.
         */
        post: operations["authenticators_export"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oauth/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List providers */
        get: operations["authenticators_providers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read this document */
        get: operations["agent_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause
         * @description Hands out nothing until resumed, also after a restart.
         */
        post: operations["agent_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resume */
        post: operations["agent_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List rules */
        get: operations["access_rules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a rule
         * @description The removal of a denial, or of a rule that allows less than another one or the policy, is confirmed in the
         *     desktop app while one runs.
         */
        delete: operations["access_remove_rule"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm a rule
         * @description One that was written while no desktop app ran. Confirmed in the desktop app.
         */
        post: operations["access_confirm_rule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the settings */
        get: operations["agent_settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change settings
         * @description A port that client keys are used at is changed only with `force`.
         */
        patch: operations["agent_change_settings"];
        trace?: never;
    };
    "/api/v1/shutdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop the agent
         * @description It finishes work in progress, stores what is not stored, and ends.
         */
        post: operations["agent_shutdown"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the agent's status
         * @description Changes nothing and prompts nobody.
         */
        get: operations["agent_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/window": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show the window
         * @description Of the desktop app; an agent without a desktop is `not_configured`.
         */
        post: operations["agent_window"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The label of a second or later account of one authenticator (`work` in `github/work`). */
        AccountLabel: string;
        /** @description Who is signed in. */
        AccountView: {
            /** @description An e-mail address or login, as the provider says. */
            display_name?: string | null;
            label?: components["schemas"]["AccountLabel"] | null;
            subject?: components["schemas"]["Subject"] | null;
        };
        /** @description Who asked. */
        Actor: {
            /** @description Path of its executable, as the kernel named it. */
            executable?: string | null;
            /** @enum {string} */
            kind: "process";
            /** Format: int32 */
            pid?: number | null;
        } | {
            /** @enum {string} */
            kind: "key";
            name: string;
        } | {
            /** @enum {string} */
            kind: "window";
        } | {
            /** @enum {string} */
            kind: "tray";
        } | {
            /** @enum {string} */
            kind: "notification";
        } | {
            /** @enum {string} */
            kind: "approval_window";
        } | {
            /** @enum {string} */
            kind: "connect_page";
        } | {
            /** @enum {string} */
            kind: "clipboard";
        } | {
            /** @enum {string} */
            kind: "agent";
        } | {
            /** @enum {string} */
            kind: "other";
            name: string;
        };
        /** @description Reply to `GET status`, `POST pause` and `POST resume`. Asking changes nothing and prompts nobody. */
        AgentStatus: {
            /** @description How many authenticators there are. */
            authenticators: number;
            /** @description How many connections there are, by status. */
            connections: components["schemas"]["ConnectionCounts"];
            /** @description Folder of the database. */
            data: string;
            /** @description The log file. */
            log: string;
            /** @description True while nothing is handed out. */
            paused: boolean;
            /**
             * Format: int32
             * @description Its process.
             */
            pid: number;
            /**
             * Format: int32
             * @description Port of the loopback listener; null while it is closed.
             */
            port?: number | null;
            /** @description Why the loopback listener is closed, if it should be open. */
            port_problem?: string | null;
            /** @description Where secrets are kept. */
            secret_store: components["schemas"]["SecretStoreStatus"];
            /** @description The Unix socket. */
            socket: string;
            /**
             * Format: date-time
             * @description When it started.
             */
            started_at: string;
            /** @description Version of the agent. */
            version: string;
        };
        /** @description Body of `POST approvals/{id}/answer`. */
        AnswerRequest: {
            lasts?: components["schemas"]["Lasts"] | null;
            /** @description Only in the project in which it asked. */
            only_project?: boolean;
            /** @description Through the proxy only, without the token. */
            only_proxy?: boolean;
            /** @description Only while the token has no other scopes. */
            only_scopes?: string[] | null;
            verdict: components["schemas"]["Verdict"];
        };
        /** @description The header of an API request that carries the token. */
        ApiAuth: {
            /**
             * @description Its name.
             * @default authorization
             */
            header?: string;
            /**
             * @description What stands before the token; empty: nothing.
             * @default Bearer
             */
            scheme?: string;
        };
        /** @description What went wrong, why, and what to do. Never holds a secret, a code or a full URL query. */
        ApiError: {
            /** @description For programs. */
            code: components["schemas"]["ErrorCode"];
            /** @description A page on this machine whose button starts the sign-in that would fix it. */
            connect_url?: string | null;
            /** @description Where the client is registered at the provider. */
            console_url?: string | null;
            /** @description What to do (``run `valetkey connect github` ``). */
            hint?: string | null;
            /** @description What would break. */
            in_use?: components["schemas"]["InUse"][];
            /** @description What happened, for people: one sentence without a full stop, literals in back-ticks. */
            message: string;
            /** @description Scopes that were asked for and are not granted. */
            missing_scopes?: string[];
            /** @description Everything that is wrong with the request, at once. */
            problems?: components["schemas"]["Problem"][];
            /**
             * @description Why, where `message` does not say: one sentence (`GitHub rejected the refresh token
             *     (bad_refresh_token)`).
             */
            reason?: string | null;
            /**
             * Format: int64
             * @description Seconds after which another try makes sense.
             */
            retry_after?: number | null;
        };
        /** @description A connection's key, without the key. */
        ApiKeyView: {
            /** @description What the provider calls it: `personal access token`. */
            name: string;
            oauth?: components["schemas"]["OAuthOffer"] | null;
            /** @description Where the person makes and deletes them. */
            page?: string | null;
        };
        /** @description Reply to `POST approvals/{id}/show` and `answer`. */
        ApprovalDone: {
            /** Format: int64 */
            id: number;
        };
        /** @description Reply to `GET approvals`. */
        ApprovalList: {
            /** @description Oldest first. */
            approvals: components["schemas"]["ApprovalView"][];
        };
        /** @description A question that nobody has answered. */
        ApprovalView: {
            /**
             * Format: date-time
             * @description When it was first asked.
             */
            asked_at: string;
            /**
             * Format: int32
             * @description How often it was asked.
             */
            count: number;
            /**
             * Format: int64
             * @description Counts up while the agent runs.
             */
            id: number;
            /** @description Whether it waits for its turn: one question is shown at a time. */
            is_queued: boolean;
            /**
             * Format: date-time
             * @description When its window closes; null: it is not shown.
             */
            open_until?: string | null;
            /** @description What is asked. */
            question: components["schemas"]["QuestionView"];
        };
        /** @description Reply to `POST oauth/export`: what `valetkey import` and `valetkey add --config` read. */
        AuthenticatorExport: {
            /**
             * @description The fields of each, with its `profile` and `is_active` where they are not the usual ones. A client
             *     secret is the name of a variable (`${GITHUB_CLIENT_SECRET}`), unless secrets were asked for.
             */
            authenticators: {
                [key: string]: unknown;
            }[];
        };
        /**
         * Format: uuid
         * @description A registered OAuth client.
         */
        AuthenticatorId: string;
        /**
         * @description Reply to `GET oauth/authenticators` (`?profile=`, default all; `?include_disabled=`, default
         *     true).
         */
        AuthenticatorList: {
            /** @description By profile, then by name. */
            authenticators: components["schemas"]["AuthenticatorView"][];
        };
        /** @description The short name of an authenticator, unique within its profile. */
        AuthenticatorName: string;
        /**
         * @description Body of `PATCH oauth/authenticators/{id}`: absent keeps, null goes back to the provider's
         *     default, a value sets. Connections stay signed in; a new client secret is used from the next
         *     refresh on. With `?force=true` what is stored may go to other servers than before.
         */
        AuthenticatorPatch: {
            /**
             * @description True: uses the endpoints that the person's own file of its provider names now. Needs the same
             *     confirmation as other endpoints.
             */
            accept_endpoints?: boolean | null;
            /** @description Hosts that the proxy may send tokens to, instead of those before. */
            api_hosts?: string[] | null;
            /** @description How API requests carry a key. */
            api_key_header?: string | null;
            /** @description True of an authenticator without a client; a client id ends it. */
            api_keys_only?: boolean | null;
            /** @description Another name of `client_id`. */
            app_id?: string | number;
            /** @description To whom the client's assertions are addressed; absent: the issuer, or the token endpoint. */
            assertion_audience?: string | null;
            /** @description PKCE counts as supported although the server does not say so. */
            assume_pkce?: boolean | null;
            /** @description With `client_credentials` and `token_exchange`: for whom the token is. */
            audience?: string | null;
            /** @description Further authorize parameters; a null value takes one away. */
            authorize_params?: {
                [key: string]: string | null;
            } | null;
            /** @description Authorization endpoint. */
            authorize_url?: string | null;
            /**
             * @description `none`, `client_secret_basic`, `client_secret_post`, `secret_as_user`, `private_key_jwt` or
             *     `client_secret_jwt`.
             */
            client_auth?: string | null;
            /** @description OAuth client id, which every client has; a number is read as its digits. */
            client_id?: string | number;
            /** @description A new client secret; null removes it. */
            client_secret?: string | null;
            /** @description Device authorization endpoint (RFC 8628). */
            device_authorization_url?: string | null;
            /**
             * @description `required` or `preferred`: tokens are bound to a key of the connection (RFC 9449), which is then
             *     used through the proxy alone.
             */
            dpop?: string | null;
            /** @description `authorization_code`, `client_credentials` or `token_exchange`. */
            grant_type?: string | null;
            /** @description Enables or disables it. */
            is_active?: boolean | null;
            /** @description Issuer identifier. */
            issuer?: string | null;
            /** @description The MCP server that tokens are for. */
            mcp_server?: string | null;
            /** @description A new name; its connections take part. */
            name?: string | null;
            /** @description Whether its provider issues tokens with fewer scopes at a refresh; absent: as the catalogue says. */
            narrow_tokens?: boolean | null;
            /** @description Values for the provider's placeholders; a null value takes one away. */
            placeholders?: {
                [key: string]: string | null;
            } | null;
            /** @description A new private key; null removes it. */
            private_key?: string | null;
            /** @description Pushed authorization request endpoint (RFC 9126); named, it is used at each sign-in. */
            pushed_authorization_url?: string | null;
            /** @description Redirect URI. */
            redirect_uri?: string | null;
            /** @description With `token_exchange`: what it shall bring. */
            requested_token_type?: string | null;
            /** @description The service that tokens are for: an absolute URI without a fragment, sent as it is (RFC 8707). */
            resource?: string | null;
            /** @description RFC 7009 endpoint. */
            revocation_url?: string | null;
            /** @description Scopes of the next sign-in. */
            scopes?: string[] | null;
            /** @description With `token_exchange`: the connection whose token is exchanged, such as `github/work`. */
            subject?: string | null;
            /** @description Token endpoint. */
            token_url?: string | null;
            /** @description OpenID userinfo endpoint. */
            userinfo_url?: string | null;
        };
        /**
         * @description Reply to `DELETE oauth/authenticators/{id}` (`?force=`). Without `force`, an authenticator with
         *     connections is a `conflict` that names them in `in_use`.
         */
        AuthenticatorRemoved: {
            /** @description What is gone. */
            authenticator: components["schemas"]["AuthenticatorView"];
            /** @description Its connections, which were disconnected first. */
            disconnected: components["schemas"]["Disconnected"][];
        };
        /** @description Reply to `POST` (201) and `PATCH` (200) of an authenticator. */
        AuthenticatorSaved: {
            /** @description As it is stored now. */
            authenticator: components["schemas"]["AuthenticatorView"];
            /** @description What was accepted, but deserves a look. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description A registered OAuth client, without its secret. */
        AuthenticatorView: {
            /** @description Hosts that the proxy sends tokens to, the one that is meant if none is named first. */
            api_hosts?: string[];
            /** @description How API requests carry a key, if the person said so: `X-Api-Key`, `Authorization: Token`. */
            api_key_header?: string | null;
            /** @description Where its keys are made and deleted. */
            api_keys_page?: string | null;
            /** @description To whom the client's assertions are addressed, if the person said so. */
            assertion_audience?: string | null;
            /** @description PKCE counts as supported although the server does not say so. */
            assume_pkce?: boolean;
            /** @description For whom tokens are that no person agreed to. */
            audience?: string | null;
            /** @description Further authorize parameters that the person gave. */
            authorize_params: {
                [key: string]: string;
            };
            /** @description OAuth client id; empty if none is registered: then connections are made from API keys alone. */
            client_id: string;
            /** @description Names of its connections. */
            connections: string[];
            /** @description Where its registration is changed. */
            console_url?: string | null;
            /**
             * Format: date-time
             * @description When it was added.
             */
            created_at: string;
            /** @description The person's own file of its provider names other endpoints than those that it uses. */
            differs_from_file: boolean;
            /** @description As shown to people. */
            display_name: string;
            /** @description The endpoints in use: the person's own, else the catalogue's. */
            endpoints: components["schemas"]["EndpointsView"];
            failed_sign_in?: components["schemas"]["FailedSignIn"] | null;
            /** @description How its tokens are obtained. */
            grant_type: components["schemas"]["GrantType"];
            /** @description Whether a client secret is kept in the keychain. */
            has_client_secret: boolean;
            /** @description Its id. */
            id: components["schemas"]["AuthenticatorId"];
            /** @description False while it is disabled. */
            is_active: boolean;
            /** @description The MCP server that its tokens are for. */
            mcp_server?: string | null;
            /** @description Unique within the profile. */
            name: components["schemas"]["AuthenticatorName"];
            /** @description Whether its provider issues tokens with fewer scopes than a connection has. */
            narrow_tokens: boolean;
            /** @description Those of them that the person gave; the rest come from the catalogue. */
            own_endpoints: components["schemas"]["EndpointsView"];
            /** @description Values for the provider's placeholders (`tenant`). */
            placeholders: {
                [key: string]: string;
            };
            /** @description The set it belongs to. */
            profile: components["schemas"]["ProfileName"];
            /** @description Catalogue id (`custom` if none fits). */
            provider: string;
            /** @description Where the browser comes back to. */
            redirect_uri: string;
            registration?: components["schemas"]["RegistrationView"] | null;
            /** @description What an exchange shall bring. */
            requested_token_type?: string | null;
            /** @description Scopes it asks for. */
            scopes: components["schemas"]["Scopes"];
            /** @description The connection whose token is exchanged, with the grant type `token_exchange`. */
            subject?: string | null;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updated_at: string;
        };
        /** @description One thing that was looked at. */
        Check: {
            /** @description What to do about it. */
            hint?: string | null;
            /** @description What was found, for people. */
            message: string;
            /**
             * @description Stable word: `keychain_write`, `keychain_read`, `keychain_delete`, `database`, `clock`, `disk`,
             *     `socket`, `port`.
             */
            name: string;
            /** @description How it went. */
            outcome: components["schemas"]["CheckOutcome"];
        };
        /**
         * @description How a check went.
         * @enum {string}
         */
        CheckOutcome: "ok" | "warning" | "failed" | "skipped";
        /** @description The identity of a program: no process id, no terminal, no time. */
        Client: {
            /** @description The application that started it; None if it is one itself. */
            application?: Record<string, never> | null;
            /** @description What runs. */
            code: components["schemas"]["Code"];
            /** @description Executables through which it asks, such as `/usr/bin/git`; the one that asked first. */
            through?: string[];
        };
        /**
         * @description Client authentication at the token endpoint (OpenID Connect Core, section 9).
         * @enum {string}
         */
        ClientAuth: "none" | "client_secret_basic" | "client_secret_post" | "secret_as_user" | "private_key_jwt" | "client_secret_jwt";
        /** @description A connection that a key may use. */
        ClientConnection: {
            /** @description Its name. */
            name: string;
            /** @description The set it belongs to. */
            profile: components["schemas"]["ProfileName"];
        };
        /** @description Reply to `POST clients` (201): the only time that the key is shown. */
        ClientCreated: {
            /** @description Where it works (`http://127.0.0.1:4315`); null while the loopback listener is closed. */
            base_url?: string | null;
            /** @description Who holds it. */
            client: components["schemas"]["ClientView"];
            /** @description `vk_...`; `Authorization: Bearer` takes it. */
            key: string;
        };
        /**
         * Format: uuid
         * @description A client key (never the key itself).
         */
        ClientKeyId: string;
        /** @description Reply to `GET clients`. */
        ClientList: {
            /** @description Oldest first. */
            clients: components["schemas"]["ClientView"][];
        };
        /**
         * @description How a client becomes known at a server.
         * @enum {string}
         */
        ClientRegistration: "registered" | "client_metadata" | "dynamic" | "by_hand";
        /** @description The holder of a client key. Never the key. */
        ClientView: {
            /** @description The connections whose tokens it may have; null: all. */
            connections?: components["schemas"]["ClientConnection"][] | null;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; null: when it is revoked.
             */
            expires_at?: string | null;
            /** @description Its id. */
            id: components["schemas"]["ClientKeyId"];
            /** @description False while it waits to be confirmed in the desktop app: it was made while none ran. */
            is_active: boolean;
            /** @description Whether it may also manage connections, authenticators, events and settings. */
            manage: boolean;
            /** @description Unique. */
            name: string;
            /**
             * Format: date-time
             * @description When it last came in.
             */
            used_at?: string | null;
        };
        /** @description What a process runs. */
        Code: {
            /** @enum {string} */
            kind: "executable";
            path: string;
        } | {
            interpreter: string;
            /** @enum {string} */
            kind: "script";
            /** @description Options of the interpreter: they can load other code. */
            options?: string[];
            path: string;
        } | {
            /** @description The working directory, where it is looked for first. */
            folder: string;
            interpreter: string;
            /** @enum {string} */
            kind: "module";
            name: string;
            options?: string[];
        } | {
            interpreter: string;
            /** @enum {string} */
            kind: "inline";
            options?: string[];
            /** @description The text and its arguments, which it may run. */
            text: string[];
        } | {
            arguments: string[];
            /** @description The working directory, if relative paths may be among the arguments of an interpreter. */
            folder?: string | null;
            /** @enum {string} */
            kind: "command";
        } | {
            /** @enum {string} */
            kind: "terminal";
            /** @description Options with values, which can name what it runs first. */
            options?: string[];
            shell: string;
        } | {
            /** @enum {string} */
            kind: "unknown";
            reason: components["schemas"]["UnknownReason"];
        };
        /** @description Connections by status. */
        ConnectionCounts: {
            /** @description `active` and `refreshing`. */
            active: number;
            /** @description `expired`. */
            expired: number;
            /** @description `needs_reconnect`. */
            needs_reconnect: number;
            /** @description All of them. */
            total: number;
        };
        /**
         * Format: uuid
         * @description One account signed in through an authenticator.
         */
        ConnectionId: string;
        /** @description Reply to `GET credentials/connections` (`?profile=`, default all). */
        ConnectionList: {
            /** @description By profile, then by name. */
            connections: components["schemas"]["ConnectionView"][];
        };
        /** @description Body of `PATCH credentials/connections/{id}`; the reply is the [`ConnectionView`]. */
        ConnectionPatch: {
            /**
             * @description A new account label (`work` makes it `github/work`); null makes it the authenticator's first
             *     account. A label that is taken is a `conflict`.
             * @default null
             */
            account?: string | null;
            /**
             * @description The methods that the proxy passes on (`["GET", "HEAD"]` reads only); null: all.
             * @default null
             */
            allowed_methods?: string[] | null;
            /** @default null */
            keep_warm?: components["schemas"]["KeepWarm"] | null;
            /**
             * @description True: its token is never handed out, and only used through the proxy.
             * @default null
             */
            proxy_only?: boolean | null;
        };
        /** @description One account signed in through an authenticator. No secret. */
        ConnectionView: {
            /** @description Who is signed in. */
            account: components["schemas"]["AccountView"];
            /** @description The methods that the proxy passes on; null: all. */
            allowed_methods?: string[] | null;
            /** @description Hosts that the proxy sends its token to, the one that is meant if none is named first. */
            api_hosts?: string[];
            api_key?: components["schemas"]["ApiKeyView"] | null;
            /** @description Scopes asked for at the last sign-in. */
            asked_scopes: components["schemas"]["Scopes"];
            /** @description Name of the client it came through. */
            authenticator: components["schemas"]["AuthenticatorName"];
            /** @description Its id. */
            authenticator_id: components["schemas"]["AuthenticatorId"];
            /** @description Granted scopes that give far more than most programs need. */
            broad_scopes: components["schemas"]["Scopes"];
            /**
             * Format: date-time
             * @description When it was first signed in.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; null if no end was announced.
             */
            expires_at?: string | null;
            failed_sign_in?: components["schemas"]["FailedSignIn"] | null;
            /** @description Counts its grants. */
            generation: components["schemas"]["Generation"];
            /** @description Its id. */
            id: components["schemas"]["ConnectionId"];
            /**
             * Format: date-time
             * @description When the current access token arrived.
             */
            issued_at?: string | null;
            /** @description When it is refreshed without being asked. */
            keep_warm: components["schemas"]["KeepWarm"];
            /** @description Asked for, but not granted. */
            missing_scopes: components["schemas"]["Scopes"];
            /** @description `github` or `github/work`; unique within the profile. */
            name: string;
            needed_scopes?: components["schemas"]["NeededScopes"] | null;
            /** @description The set it belongs to. */
            profile: components["schemas"]["ProfileName"];
            /** @description Catalogue id of the provider. */
            provider: string;
            /** @description The provider as people write it. */
            provider_name: string;
            /** @description Whether its token is never handed out, and only used through the proxy. */
            proxy_only?: boolean;
            /**
             * Format: date-time
             * @description When it will be refreshed without being asked; null if it will not.
             */
            refresh_due_at?: string | null;
            refresh_error?: components["schemas"]["RefreshError"] | null;
            /**
             * Format: date-time
             * @description When the refresh token ends, if announced.
             */
            refresh_expires_at?: string | null;
            /** @description Whether there is a refresh token. */
            refreshable: boolean;
            /** @description Scopes granted. */
            scopes: components["schemas"]["Scopes"];
            /** @description Where it stands. */
            status: components["schemas"]["Status"];
            /** @description True while the newest grant could not be stored and lives in memory only. */
            unsaved: boolean;
            /**
             * Format: date-time
             * @description When a program last got its token.
             */
            used_at?: string | null;
        };
        /** @description A code that the person enters at the provider (RFC 8628, section 3.3). */
        DevicePrompt: {
            /** @description The code. */
            user_code: string;
            /** @description The page on which it is entered: https, or http on loopback. */
            verification_uri: string;
        };
        /**
         * @description Reply to `DELETE credentials/connections/{id}` (`?force=`). Without `force`, a connection that a
         *     client used within the last day is a `conflict` that names it in `in_use`.
         */
        Disconnected: {
            /** @description What is gone. */
            id: components["schemas"]["ConnectionId"];
            /** @description Its name. */
            name: string;
            /** @description The set it belonged to. */
            profile: components["schemas"]["ProfileName"];
            /** @description Whether the provider knows. */
            revocation: components["schemas"]["Revocation"];
        };
        /** @description Body of `POST oauth/discover`. */
        DiscoverRequest: {
            /** @description PKCE counts as supported although the server does not say so. */
            assume_pkce?: boolean;
            /** @description URL of a Client ID Metadata Document, which becomes the client id. */
            client_metadata_url?: string | null;
            /** @description A client is registered there already, whose id is added to the draft. */
            has_client_id?: boolean;
            /** @description The authorization server, where the MCP server names several. */
            issuer?: string | null;
            /** @description An issuer or an MCP server, as its documentation writes it. */
            url: string;
        };
        /** @description What was found. */
        Discovered: {
            /**
             * @description The fields of the authenticator, for `POST oauth/authenticators`; null while an issuer is to be
             *     chosen.
             */
            draft?: {
                [key: string]: unknown;
            } | null;
            /** @description The authorization server that tokens come from; null while one of `issuers` is to be chosen. */
            issuer?: string | null;
            /** @description The authorization servers. */
            issuers: string[];
            /** @description What it is. */
            kind: components["schemas"]["DiscoveredKind"];
            /** @description A free name for the authenticator. */
            name: components["schemas"]["AuthenticatorName"];
            /** @description What the person must give before the draft can be added. */
            needs: components["schemas"]["Problem"][];
            registration?: components["schemas"]["ClientRegistration"] | null;
            /** @description The resource that tokens are for, as the server publishes it. */
            resource?: string | null;
            /** @description What the MCP server calls itself; its own words. */
            resource_name?: string | null;
            /** @description Scopes to be asked for. */
            scopes: components["schemas"]["Scopes"];
            /** @description As typed. */
            url: string;
            /** @description What deserves a look. */
            warnings: components["schemas"]["Warning"][];
        };
        /**
         * @description What a URL leads to.
         * @enum {string}
         */
        DiscoveredKind: "issuer" | "mcp_server";
        /**
         * @description Reply to `POST doctor`: what the agent found about itself. It writes, reads and deletes one probe
         *     item in the secret store.
         */
        DoctorReport: {
            /** @description In a sensible order; all are named, the good ones too. */
            checks: components["schemas"]["Check"][];
            /**
             * Format: date-time
             * @description The agent's clock, for comparison with the caller's.
             */
            now: string;
            /** @description Versions by name: `agent`, `sqlite`, `database` (its schema). */
            versions: components["schemas"]["Version"][];
        };
        /**
         * @description What an authenticator asks for. Without it no token is bound: that a provider could bind tokens is no
         *     reason, since bound ones are of use through the proxy alone.
         * @enum {string}
         */
        Dpop: "required" | "preferred";
        /** @description Where the requests of an authenticator go. */
        EndpointsView: {
            /** @description Authorization endpoint. */
            authorize_url?: string | null;
            client_auth?: components["schemas"]["ClientAuth"] | null;
            /** @description Device authorization endpoint (RFC 8628), if it is known without the provider's metadata. */
            device_authorization_url?: string | null;
            dpop?: components["schemas"]["Dpop"] | null;
            /** @description Issuer identifier. */
            issuer?: string | null;
            /** @description Pushed authorization request endpoint (RFC 9126), if the person named it. */
            pushed_authorization_url?: string | null;
            /** @description The service that tokens are for (RFC 8707), as it is sent. */
            resource?: string | null;
            /** @description Revocation endpoint. */
            revocation_url?: string | null;
            /** @description Token endpoint. */
            token_url?: string | null;
            /** @description Userinfo endpoint. */
            userinfo_url?: string | null;
        };
        /** @description The body of every reply whose status is 400 or more. */
        ErrorBody: {
            /** @description What went wrong. */
            detail: components["schemas"]["ApiError"];
        };
        /**
         * @description The stable codes of the API.
         * @enum {string}
         */
        ErrorCode: "invalid_request" | "unauthorized" | "access_denied" | "key_not_confirmed" | "proxy_only" | "insufficient_scope" | "not_found" | "auth_required" | "conflict" | "rate_limited" | "internal" | "not_configured" | "client_misconfigured" | "keychain_locked" | "keychain_unavailable" | "paused" | "provider_unreachable";
        /** @description Further facts about an event; its kind decides which there are. Never a secret. */
        EventDetail: {
            /**
             * Format: int64
             * @description How many requests for tokens the log left out.
             * @default null
             */
            count?: number | null;
            /**
             * @description Whether a token that was reported as refused was the current one.
             * @default null
             */
            current?: boolean | null;
            /**
             * Format: date-time
             * @description When the new token expires.
             * @default null
             */
            expires_at?: string | null;
            /**
             * @description Scopes that a sign-in brought.
             * @default []
             */
            granted?: string[];
            /**
             * @description Whether an authenticator is enabled.
             * @default null
             */
            is_active?: boolean | null;
            /**
             * @description Name of a client key.
             * @default null
             */
            key?: string | null;
            /**
             * @description What that program runs.
             * @default null
             */
            location?: string | null;
            /**
             * @description Scopes that were asked for and not granted.
             * @default []
             */
            missing?: string[];
            /**
             * @description Whether an authenticator got a new client secret.
             * @default null
             */
            new_secret?: boolean | null;
            /**
             * @description A program that asked for access.
             * @default null
             */
            program?: string | null;
            /**
             * @description Why a program asks for a sign-in, in its own words.
             * @default null
             */
            reason?: string | null;
            /**
             * @description Whether a sign-in renewed a connection.
             * @default null
             */
            renewed?: boolean | null;
            /** @default null */
            revocation?: components["schemas"]["Revocation"] | null;
            /**
             * @description Version of the agent that started.
             * @default null
             */
            version?: string | null;
            /**
             * @description Why it failed or was refused.
             * @default null
             */
            why?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Format: int64
         * @description Where an event stands in the log; grows by one.
         */
        EventId: number;
        /**
         * @description The kinds of events. The words are stable.
         * @enum {string}
         */
        EventKind: "agent.started" | "agent.stopped" | "authenticator.added" | "authenticator.updated" | "authenticator.exported" | "authenticator.removed" | "sign_in.started" | "sign_in.authorized" | "sign_in.completed" | "sign_in.denied" | "sign_in.failed" | "sign_in.timed_out" | "sign_in.cancelled" | "connection.added" | "connection.renewed" | "connection.refreshed" | "connection.postponed" | "connection.unavailable" | "connection.expired" | "connection.needs_reconnect" | "connection.misconfigured" | "connection.lacks_scopes" | "connection.adopted" | "connection.updated" | "connection.removing" | "connection.removed" | "grant.unsaved" | "grant.saved" | "token.served" | "token.refused" | "token.exchanged" | "token.unrecorded" | "log.damaged" | "log.chained" | "proxy.request" | "proxy.scrubbed" | "token.invalidated" | "access.asked" | "access.allowed" | "access.denied" | "rule.confirmed" | "rule.removed" | "key.created" | "key.confirmed" | "key.guessed" | "key.revoked" | "agent.paused" | "settings.changed" | "agent.resumed";
        /** @description Reply to `GET events`. */
        EventList: {
            /** @description Oldest first. */
            events: components["schemas"]["EventView"][];
            /** @description The newest event of the whole log: what to pass as `after` to see only what comes later. */
            last_id: components["schemas"]["EventId"];
        };
        /** @description One line of the audit log. Never holds a secret. */
        EventView: {
            actor?: components["schemas"]["Actor"] | null;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description Its name now, or the last one that is known. */
            authenticator?: string | null;
            authenticator_id?: components["schemas"]["AuthenticatorId"] | null;
            /** @description Its name now, or the last one that is known. */
            connection?: string | null;
            connection_id?: components["schemas"]["ConnectionId"] | null;
            detail: components["schemas"]["EventDetail"];
            /** @description Where it stands in the log. */
            id: components["schemas"]["EventId"];
            /** @description What. */
            kind: components["schemas"]["EventKind"];
            session_id?: components["schemas"]["SignInId"] | null;
        };
        /** @description Reply to `POST events/verify`. */
        EventsVerified: {
            /**
             * Format: int64
             * @description How often lines were written while the keychain could not be asked: until they got their MAC, a
             *     change to them could not be noticed.
             */
            chained_late: number;
            first?: components["schemas"]["EventId"] | null;
            /**
             * Format: int64
             * @description How many more problems there are.
             */
            further_problems: number;
            /** @description Whether nothing was found to be wrong. */
            intact: boolean;
            last?: components["schemas"]["EventId"] | null;
            last_unclean_end?: components["schemas"]["UncleanEnd"] | null;
            /**
             * Format: int64
             * @description How many lines were checked.
             */
            lines: number;
            /** @description What is wrong; the first hundred. */
            problems: components["schemas"]["LogProblem"][];
            pruned_until?: components["schemas"]["EventId"] | null;
            /**
             * Format: int64
             * @description How often the agent ended without a stop: lines of the minute before could have been cut off
             *     without a trace.
             */
            unclean_ends: number;
            /**
             * Format: int64
             * @description Lines that cannot be checked: they were written before the log had its key.
             */
            uncovered: number;
        };
        /** @description Body of `POST oauth/export` (`?profile=`). */
        ExportRequest: {
            /**
             * @description Names or UUIDs; absent: all (of the profile).
             * @default null
             */
            authenticators?: string[] | null;
            /**
             * @description With their client secrets. Only for programs, and only after the person's yes while the desktop app
             *     runs. Refresh tokens are never exported: a login has one holder.
             * @default false
             */
            secrets?: boolean;
        };
        /** @description A sign-in that failed, in the views of its connection or authenticator. */
        FailedSignIn: {
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended_at: string;
            /** @description Why, and what to do. */
            error: components["schemas"]["ApiError"];
            /** @description Names the sign-in. */
            session_id: components["schemas"]["SignInId"];
        };
        /** @description SHA-256 of a secret, in lower-case hex. */
        Fingerprint: string;
        /**
         * Format: int64
         * @description Counts the grants of one connection. Work that began under an older generation may not write.
         */
        Generation: number;
        /**
         * @description The grant behind the tokens of an authenticator.
         * @enum {string}
         */
        GrantType: "authorization_code" | "client_credentials" | "token_exchange";
        /** @description Something that a removal would break. */
        InUse: {
            /** @description What it is. */
            kind: components["schemas"]["InUseKind"];
            /** @description Its name: a connection, or a client in words (`process /usr/bin/node`, `key ci`). */
            name: string;
            /**
             * Format: date-time
             * @description When it last got a token.
             */
            used_at?: string | null;
        };
        /**
         * @description The kinds of [`InUse`].
         * @enum {string}
         */
        InUseKind: "connection" | "client";
        /** @description Body of `invalidate`: a program's token was refused with 401. */
        InvalidateRequest: {
            /** @description Which token: SHA-256 in hex. A report about an older token changes nothing. */
            fingerprint: components["schemas"]["Fingerprint"];
        };
        /** @description Reply to `invalidate`. */
        InvalidateResponse: {
            /** @description Whether it was the current token, so that the next `token` waits for a forced refresh. */
            was_current: boolean;
        };
        /**
         * @description When a connection is refreshed without being asked.
         * @enum {string}
         */
        KeepWarm: "always" | "when_used" | "on_demand";
        /**
         * @description For how long a program is allowed.
         * @enum {string}
         */
        Lasts: "once" | "hour" | "always";
        /**
         * @description How much is logged; each level has those before it.
         * @enum {string}
         */
        LogLevel: "error" | "warn" | "info" | "debug";
        /** @description Something that Valet Key did not do. */
        LogProblem: {
            /** @description The first line that it is about. */
            first: components["schemas"]["EventId"];
            kind: components["schemas"]["LogProblemKind"];
            /** @description The last line that it is about. */
            last: components["schemas"]["EventId"];
            /** @description What the line says, if it was written because of the problem. */
            why?: string | null;
        };
        /**
         * @description What is wrong with lines of the log.
         * @enum {string}
         */
        LogProblemKind: "changed" | "removed" | "cut" | "found_at_start";
        /**
         * @description Loopback host of a redirect URI, as the provider wants it spelled.
         * @enum {string}
         */
        LoopbackHost: "127.0.0.1" | "[::1]" | "localhost";
        /** @description Scopes that a connection turned out to lack. */
        NeededScopes: {
            /**
             * Format: date-time
             * @description When it did.
             */
            at: string;
            /** @description The host that named the last of them. */
            host: string;
            /** @description Whether another sign-in that asks for them makes sense. */
            is_offered: boolean;
            /** @description The scopes, as a host named them. */
            scopes: components["schemas"]["Scopes"];
            /**
             * Format: int32
             * @description How many sign-ins asked for some of them and were not granted them.
             */
            tries: number;
        };
        /** @description Body of `POST oauth/authenticators` (`?profile=`). */
        NewAuthenticator: {
            /** @description Hosts that the proxy may send tokens to (`api.example.com`); absent: the provider's. */
            api_hosts?: string[] | null;
            /**
             * @description How API requests carry a key: `X-Api-Key`, or `Authorization: Token`; absent: as the provider's
             *     entry says.
             */
            api_key_header?: string | null;
            /**
             * @description True: no client is registered, and connections are made from API keys alone. A client id can
             *     complete it later.
             */
            api_keys_only?: boolean | null;
            /** @description Another name of `client_id`. */
            app_id?: string | number;
            /** @description To whom the client's assertions are addressed; absent: the issuer, or the token endpoint. */
            assertion_audience?: string | null;
            /** @description PKCE counts as supported although the server does not say so. */
            assume_pkce?: boolean | null;
            /** @description With `client_credentials` and `token_exchange`: for whom the token is. */
            audience?: string | null;
            /** @description Catalogue id. */
            authenticator_type: string;
            /** @description Further authorize parameters. */
            authorize_params?: {
                [key: string]: string;
            } | null;
            /** @description Authorization endpoint, if the catalogue's does not fit. */
            authorize_url?: string | null;
            /**
             * @description `none`, `client_secret_basic`, `client_secret_post`, `secret_as_user`, `private_key_jwt` or
             *     `client_secret_jwt`.
             */
            client_auth?: string | null;
            /** @description OAuth client id, which every client has; a number is read as its digits. */
            client_id?: string | number;
            /** @description OAuth client secret. */
            client_secret?: string | null;
            /** @description Device authorization endpoint (RFC 8628). */
            device_authorization_url?: string | null;
            /**
             * @description The URL that `oauth/discover` was asked about. Without a client id, a client is registered at
             *     the server, if it still says what the draft does. With a client secret and no `client_auth`,
             *     the server is asked how it takes the secret.
             */
            discovered_from?: string | null;
            /**
             * @description `required` or `preferred`: tokens are bound to a key of the connection (RFC 9449), which is then
             *     used through the proxy alone.
             */
            dpop?: string | null;
            /** @description `authorization_code` (absent), `client_credentials` or `token_exchange`. */
            grant_type?: string | null;
            /** @description Issuer identifier. */
            issuer?: string | null;
            /** @description The MCP server that tokens are for. */
            mcp_server?: string | null;
            /**
             * @description `google`, or a display name such as `Google` from which the name is made; absent: the
             *     provider's.
             */
            name?: string | null;
            /** @description Whether its provider issues tokens with fewer scopes at a refresh; absent: as the catalogue says. */
            narrow_tokens?: boolean | null;
            /** @description Values for the provider's placeholders (`{"tenant": "contoso.com"}`). */
            placeholders?: {
                [key: string]: string;
            } | null;
            /** @description Private key of the client (RFC 7523) instead of a secret: a PEM (PKCS#8), or a JWK as JSON. */
            private_key?: string | null;
            /** @description Pushed authorization request endpoint (RFC 9126); named, it is used at each sign-in. */
            pushed_authorization_url?: string | null;
            /** @description Redirect URI; absent: the provider's default one. */
            redirect_uri?: string | null;
            /** @description With `token_exchange`: what it shall bring. */
            requested_token_type?: string | null;
            /** @description The service that tokens are for: an absolute URI without a fragment, sent as it is (RFC 8707). */
            resource?: string | null;
            /** @description RFC 7009 endpoint. */
            revocation_url?: string | null;
            /** @description Scopes to ask for; absent: the provider's default ones. */
            scopes?: string[] | null;
            /** @description With `token_exchange`: the connection whose token is exchanged, such as `github/work`. */
            subject?: string | null;
            /** @description Token endpoint. */
            token_url?: string | null;
            /** @description OpenID userinfo endpoint. */
            userinfo_url?: string | null;
        };
        /** @description Body of `POST clients`. */
        NewClient: {
            /**
             * @description Names or ids of connections; absent: all, those of later too.
             * @default null
             */
            connections?: string[] | null;
            /**
             * Format: int64
             * @description Seconds that it lives; absent: until it is revoked.
             * @default null
             */
            expires_in?: number | null;
            /**
             * @description May manage, too.
             * @default false
             */
            manage?: boolean;
            /**
             * @description What it is for; absent: `key-1` and so on.
             * @default null
             */
            name?: string | null;
            /** @default null */
            profile?: components["schemas"]["ProfileName"] | null;
        };
        /** @description Which notifications are shown, and when none is. */
        Notifications: {
            /**
             * @description A token that cannot be renewed ends soon.
             * @default true
             */
            ends_soon: boolean;
            /**
             * @description A login needs the person.
             * @default true
             */
            needs_you: boolean;
            /** @default null */
            quiet_hours: components["schemas"]["QuietHours"] | null;
            /**
             * @description A sign-in has ended.
             * @default true
             */
            sign_in: boolean;
        };
        /** @description What `PATCH settings` changes of the notifications. */
        NotificationsPatch: {
            /**
             * @description A token that cannot be renewed ends soon.
             * @default null
             */
            ends_soon?: boolean | null;
            /**
             * @description A login needs the person.
             * @default null
             */
            needs_you?: boolean | null;
            /** @default null */
            quiet_hours?: components["schemas"]["QuietHours"] | null;
            /**
             * @description A sign-in has ended.
             * @default null
             */
            sign_in?: boolean | null;
        };
        /**
         * @description A sign-in that could take the place of a key.
         * @enum {string}
         */
        OAuthOffer: "ready" | "needs_client";
        /**
         * @description Body of `POST credentials/sessions/{id}/callback`: where the browser ended up.
         *
         *     A URL with a wrong or missing state is an `invalid_request`, and the sign-in goes on waiting.
         */
        PastedCallback: {
            /** @description The whole redirect URL, or only its query. */
            url: string;
        };
        /** @description A value that the person gives to complete a provider's URLs. */
        PlaceholderView: {
            /** @description Used if none is given. */
            default?: string | null;
            /** @description `tenant`. */
            name: string;
            /** @description What it means. */
            note: string;
        };
        /**
         * @description What a program gets when no rule decides.
         * @enum {string}
         */
        Policy: "ask" | "allow" | "deny";
        /** @description Something that must be mended before the authenticator can be stored. */
        Problem: {
            /** @description The field, as in the JSON; empty if it is about the whole. */
            field: string;
            /** @description What to do. */
            hint: string;
            /** @description What is wrong. */
            message: string;
        };
        /** @description A separate set of authenticators and connections. */
        ProfileName: string;
        /** @description A program, as it is shown and as rules know it. */
        ProgramView: {
            /** @description Its identity. */
            client: components["schemas"]["Client"];
            /** @description Whether it can be told apart from others; else no answer is remembered. */
            is_known: boolean;
            /** @description What runs: `python3 /home/me/report.py`. */
            location: string;
            /** @description For a person: `report.py`, `Terminal, through git`. */
            name: string;
            /** @description The application that started it; null: none, or it is not known. */
            started_by?: string | null;
        };
        /** @description Reply to `GET oauth/providers`. */
        ProviderList: {
            /** @description By name; `custom` last. */
            providers: components["schemas"]["ProviderView"][];
            /** @description Files of the person's own that are not used. */
            wrong_files: components["schemas"]["WrongFileView"][];
        };
        /** @description A catalogue entry: what a person needs to register a client there. */
        ProviderView: {
            /** @description What the provider calls the keys that a person makes there: `personal access token`. */
            api_key_name: string;
            /** @description Where they are made and deleted. */
            api_keys_page?: string | null;
            /** @description Scopes that give far more than most programs need; `admin:*` means all that begin with `admin:`. */
            broad_scopes: string[];
            /** @description Whether disconnecting can revoke the tokens at the provider. */
            can_revoke: boolean;
            /** @description `#rrggbb`. */
            colour: string;
            /** @description Where a client is registered. */
            console_url?: string | null;
            /** @description Asked for if the person names none. */
            default_scopes: string[];
            /** @description As people write it. */
            display_name: string;
            /** @description Documentation. */
            docs_url?: string | null;
            /** @description Whether it comes with a client, so that the person need not register one. */
            has_default_client: boolean;
            /** @description `google`. */
            id: string;
            /** @description Two letters for a list. */
            initials: string;
            /** @description From a file of the person's own. */
            is_own: boolean;
            /** @description Further words that a search finds it by. */
            keywords: string[];
            /** @description Whether sign-in is impossible without a client secret. */
            needs_client_secret: boolean;
            /** @description Values that complete its URLs (`tenant`). */
            placeholders: components["schemas"]["PlaceholderView"][];
            /** @description Redirect URIs that it takes. */
            redirect: components["schemas"]["RedirectView"];
            /** @description What the person is told where it cannot. */
            revocation_note?: string | null;
            /** @description Further scopes, in plain words. */
            scope_presets: components["schemas"]["ScopePreset"][];
            /** @description How, step by step. */
            setup_steps: string[];
            /**
             * @description Facts that were not seen in a source of the provider's own; an authenticator can override
             *     them.
             */
            unconfirmed: string[];
        };
        /** @description What is asked. */
        QuestionView: {
            /** @description Those that an earlier answer did not cover. */
            added: components["schemas"]["Scopes"];
            connection: string;
            /** @enum {string} */
            kind: "access";
            /**
             * Format: int32
             * @description Of the process that asked first.
             */
            pid?: number | null;
            profile: components["schemas"]["ProfileName"];
            program: components["schemas"]["ProgramView"];
            /** @description The folder that it works in. */
            project?: string | null;
            /** @description What its token may do. */
            scopes: components["schemas"]["Scopes"];
            usage: components["schemas"]["Usage"];
        } | {
            asked_by: string;
            /** @enum {string} */
            kind: "change";
            text: string;
            title: string;
        };
        /** @description A part of each day, in the time of the machine. It may cross midnight. */
        QuietHours: {
            from: components["schemas"]["TimeOfDay"];
            to: components["schemas"]["TimeOfDay"];
        };
        /** @description What redirect URIs a provider takes. */
        RedirectView: {
            /** @description Whether any port is accepted. */
            any_port: boolean;
            /** @description What to register. */
            default: string;
            /** @description Accepted loopback hosts, best first. */
            hosts: components["schemas"]["LoopbackHost"][];
            /** @description A sentence for the person who registers it. */
            note?: string | null;
        };
        /** @description Why the last refresh did not bring a token. Cleared by the next one that does. */
        RefreshError: {
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /**
             * Format: int32
             * @description How often in a row.
             */
            attempts: number;
            /** @description What kind, and so who can do something about it. */
            kind: components["schemas"]["RefreshErrorKind"];
            /**
             * Format: date-time
             * @description The provider asked for no request before this moment (`Retry-After`, RFC 9110, 10.2.3).
             */
            not_before?: string | null;
            /** @description The technical reason, without secrets (`invalid_grant`, `HTTP 503`). */
            reason: string;
            /**
             * Format: date-time
             * @description When it will be tried again; None if only a person can help.
             */
            retry_at?: string | null;
            /**
             * Format: date-time
             * @description When the first of these attempts failed: there was no new token since then.
             */
            since: string;
        };
        /**
         * @description The kinds of a [`RefreshError`].
         * @enum {string}
         */
        RefreshErrorKind: "later" | "unreachable" | "not_storable" | "bad_certificate" | "sign_in_again" | "fix_client" | "unclear";
        /** @description A client that the server has registered by itself (RFC 7591). */
        RegistrationView: {
            /** @description Where it is known. */
            issuer: string;
            /**
             * Format: date-time
             * @description Since when.
             */
            registered_at: string;
            /**
             * Format: date-time
             * @description When its secret ends; it is registered anew then.
             */
            secret_expires_at?: string | null;
        };
        /** @description A key that no connection uses any more. */
        ReplacedKey: {
            /** @description What the provider calls it: `personal access token`. */
            name: string;
            /** @description Where the person deletes it. */
            page?: string | null;
        };
        /** @description Whether the provider revoked the tokens. */
        Revocation: {
            /** @enum {string} */
            outcome: "revoked";
        } | {
            /** @enum {string} */
            outcome: "not_possible";
            /** @description Why, and what the person can do there. */
            reason: string;
        } | {
            /** @enum {string} */
            outcome: "failed";
            /** @description Why. */
            reason: string;
        };
        /**
         * Format: uuid
         * @description A remembered answer to "may this program use this connection".
         */
        RuleId: string;
        /** @description Reply to `GET rules`. */
        RuleList: {
            /** @description What a program gets that no rule decides about. */
            policy: components["schemas"]["Policy"];
            /** @description Newest first. Those that have ended are left out. */
            rules: components["schemas"]["RuleView"][];
        };
        /** @description A remembered answer. */
        RuleView: {
            connection: string;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; null: when it is removed.
             */
            ends_at?: string | null;
            id: components["schemas"]["RuleId"];
            /** @description False while it waits to be confirmed in the desktop app. */
            is_active: boolean;
            /** @description Whether these are fewer than the connection has, by choice. */
            narrowed: boolean;
            profile: components["schemas"]["ProfileName"];
            program: components["schemas"]["ProgramView"];
            /** @description Only in this project (its folder); null: in any. */
            project?: string | null;
            /** @description The scopes that it covers. */
            scopes: components["schemas"]["Scopes"];
            usage: components["schemas"]["Usage"];
            /**
             * Format: date-time
             * @description When it last decided a request.
             */
            used_at?: string | null;
            verdict: components["schemas"]["Verdict"];
        };
        /** @description Scopes for one purpose. */
        ScopePreset: {
            /** @description In plain words. */
            description: string;
            /** @description The scopes. */
            scopes: string[];
        };
        /** @description Scopes in the order they were named, each once. */
        Scopes: string[];
        /**
         * @description The secret stores.
         * @enum {string}
         */
        SecretStoreKind: "keychain" | "file" | "memory";
        /**
         * @description The state of the secret store.
         * @enum {string}
         */
        SecretStoreState: "ready" | "locked" | "denied" | "unavailable" | "hung";
        /** @description Where secrets are kept, and the state of that store. */
        SecretStoreStatus: {
            /** @description Which. */
            kind: components["schemas"]["SecretStoreKind"];
            /** @description Why it is not `ready`. */
            reason?: string | null;
            state: components["schemas"]["SecretStoreState"];
            /** @description Grants that could not be stored and live in memory only. */
            unsaved: number;
        };
        /** @description The settings. */
        Settings: {
            /**
             * @description What a program gets that no rule decides about, while the desktop app runs.
             * @default ask
             */
            access_policy: components["schemas"]["Policy"];
            /**
             * @description Command that opens the browser (`firefox --new-window %s`; the URL takes the place of `%s` or
             *     comes last); null: `$BROWSER`, then the desktop's own.
             * @default null
             */
            browser: string | null;
            /**
             * @description When new connections are refreshed without being asked; each has its own from then on.
             * @default when_used
             */
            keep_warm: components["schemas"]["KeepWarm"];
            /**
             * @description How much is logged, unless `--verbose` or `VALETKEY_LOG` says otherwise.
             * @default info
             */
            log_level: components["schemas"]["LogLevel"];
            /**
             * @description What the desktop app notifies of.
             * @default {
             *       "ends_soon": true,
             *       "needs_you": true,
             *       "quiet_hours": null,
             *       "sign_in": true
             *     }
             */
            notifications: components["schemas"]["Notifications"];
            /**
             * @description Whether the desktop app pauses while the desktop says that nobody uses the session.
             * @default false
             */
            pause_on_idle: boolean;
            /**
             * @description Whether the desktop app pauses while the session is locked.
             * @default false
             */
            pause_on_lock: boolean;
            /**
             * Format: int32
             * @description Port of the loopback listener from the next start on, unless `--port` says otherwise; null: 4315.
             * @default null
             */
            port: number | null;
            /**
             * Format: int32
             * @description Days after which events of the audit log are deleted.
             * @default 90
             */
            retention_days: number;
        };
        /** @description Body of `PATCH settings`. */
        SettingsPatch: {
            /** @default null */
            access_policy?: components["schemas"]["Policy"] | null;
            /**
             * @description Command that opens the browser; null goes back to the default.
             * @default null
             */
            browser?: string | null;
            /** @default null */
            keep_warm?: components["schemas"]["KeepWarm"] | null;
            /** @default null */
            log_level?: components["schemas"]["LogLevel"] | null;
            /** @default null */
            notifications?: components["schemas"]["NotificationsPatch"] | null;
            /**
             * @description Whether the desktop app pauses while the desktop says that nobody uses the session.
             * @default null
             */
            pause_on_idle?: boolean | null;
            /**
             * @description Whether the desktop app pauses while the session is locked.
             * @default null
             */
            pause_on_lock?: boolean | null;
            /**
             * Format: int32
             * @description Port of the loopback listener from the next start on: 1024-65535 but not 4316; null goes back to
             *     4315.
             * @default null
             */
            port?: number | null;
            /**
             * Format: int32
             * @description Days after which events of the audit log are deleted.
             * @default null
             */
            retention_days?: number | null;
        };
        /** @description Reply to `POST shutdown` (202): the agent flushes and ends. */
        ShutdownResponse: {
            /** @description How many client keys there are: their holders are refused until the next start. */
            client_keys?: number;
            /**
             * Format: int32
             * @description The process that ends.
             */
            pid: number;
        };
        /** @description What belongs to a sign-in that was completed. */
        SignInCompleted: {
            /** @description The connection, new or renewed; its `missing_scopes` were not granted. */
            connection: components["schemas"]["ConnectionView"];
            /**
             * @description The connection that was to be renewed, where another account signed in: it stays as it is, and
             *     `connection` is a new one.
             */
            instead_of?: string | null;
            /** @description True if the account was signed in before. */
            renewed: boolean;
            replaced_key?: components["schemas"]["ReplacedKey"] | null;
            /** @description Why the provider did not say whose the key is, if it could have: it was stored as it is. */
            unverified?: string | null;
        };
        /** @description What belongs to a sign-in that was denied or failed. */
        SignInError: {
            /** @description Why, and what to do. */
            error: components["schemas"]["ApiError"];
        };
        /**
         * Format: uuid
         * @description One run of a login flow.
         */
        SignInId: string;
        /**
         * @description How the person comes back from the provider.
         * @enum {string}
         */
        SignInMethod: "browser" | "paste" | "device" | "api_key" | "refresh_token";
        /** @description Body of `POST credentials/connections`. */
        SignInRequest: {
            /** @description Label for the account; absent: the first account, or whatever account comes back. */
            account?: string | null;
            /** @description Name or id of the authenticator; `github/work` names the account too. */
            authenticator: string;
            /**
             * Format: date-time
             * @description With the method `api_key`: when the key ends, if the person knows.
             */
            expires_at?: string | null;
            /** @description How the person comes back. */
            method?: components["schemas"]["SignInMethod"];
            /**
             * @description With the method `refresh_token`: the absolute path of the file that holds it now. It is kept at
             *     once, and used when it is gone from there: remove it within a minute.
             */
            moved_from?: string | null;
            /** @description Asks for `scopes` alone, or without any for the authenticator's own: the way to fewer scopes. */
            only_scopes?: boolean;
            profile?: components["schemas"]["ProfileName"] | null;
            /** @description Why a tool asks, shown to the person as untrusted text. */
            reason?: string | null;
            /**
             * @description Registers another client at the server first, in the place of the one that Valet Key has
             *     registered there: for a server that has forgotten it and says so on its page alone.
             */
            register_again?: boolean;
            /**
             * @description Takes the place of the account that has this name, even if it is another one or nobody can say
             *     who signed in. Otherwise such a sign-in fails.
             */
            replace?: boolean;
            /** @description Asked for beside the authenticator's own, and beside those that the connection of this name has. */
            scopes?: string[];
            /** @description With the method `api_key`: the key; with `refresh_token`: the refresh token. Spaces and line breaks around it are no part of it. */
            secret?: string | null;
        };
        /** @description Reply to `POST credentials/connections` (202). */
        SignInStarted: {
            /** @description Those among them that the connection of this name does not have. Empty if there is none. */
            added_scopes?: components["schemas"]["Scopes"];
            /** @description Scopes asked for. */
            asked_scopes?: components["schemas"]["Scopes"];
            /**
             * @description What the browser opens: https, or http on loopback. Absent if the sign-in needs no person: wait
             *     for its end.
             */
            authorize_url?: string | null;
            device?: components["schemas"]["DevicePrompt"] | null;
            /** @description Those that the connection of this name has, and that are not asked for any more. */
            dropped_scopes?: components["schemas"]["Scopes"];
            /**
             * Format: date-time
             * @description Nobody can finish it after this.
             */
            expires_at: string;
            /** @description Catalogue id of the provider. */
            provider: string;
            /**
             * @description Where the browser comes back to, with its port; absent with the method `device`, and if nobody
             *     is needed.
             */
            redirect_uri?: string | null;
            /** @description Names the sign-in. */
            session_id: components["schemas"]["SignInId"];
        };
        /** @description Where a sign-in stands: the field `state`, with what belongs to it. */
        SignInState: {
            /** @enum {string} */
            state: "started";
        } | {
            /** @enum {string} */
            state: "authorized";
        } | (components["schemas"]["SignInCompleted"] & {
            /** @enum {string} */
            state: "completed";
        }) | (components["schemas"]["SignInError"] & {
            /** @enum {string} */
            state: "denied";
        }) | (components["schemas"]["SignInError"] & {
            /** @enum {string} */
            state: "failed";
        }) | {
            /** @enum {string} */
            state: "timed_out";
        } | {
            /** @enum {string} */
            state: "cancelled";
        };
        /** @description Reply to `GET`, `DELETE` and `POST .../callback` of a session. */
        SignInView: components["schemas"]["SignInState"] & {
            account?: components["schemas"]["AccountLabel"] | null;
            /** @description Scopes asked for. */
            asked_scopes: components["schemas"]["Scopes"];
            /** @description The client it runs through. */
            authenticator: components["schemas"]["AuthenticatorName"];
            /** @description The client's id. */
            authenticator_id: components["schemas"]["AuthenticatorId"];
            /**
             * @description Valet Key has registered the client, and only the page in the browser says whether the server still
             *     knows it; if not, `register_again` helps.
             */
            client_may_be_unknown?: boolean;
            device?: components["schemas"]["DevicePrompt"] | null;
            /** @description It needs no person and ends by itself. */
            direct?: boolean;
            /**
             * Format: date-time
             * @description Nobody can finish it after this.
             */
            expires_at: string;
            /** @description The set it belongs to. */
            profile: components["schemas"]["ProfileName"];
            /**
             * @description What the browser opens now, if the request was pushed (RFC 9126): the address of the start
             *     expires, and this one takes its place.
             */
            pushed_url?: string | null;
            /** @description Why a tool asked; untrusted text. */
            reason?: string | null;
            /** @description Names the sign-in. */
            session_id: components["schemas"]["SignInId"];
            /**
             * Format: date-time
             * @description When it began.
             */
            started_at: string;
        };
        /**
         * @description Where a connection stands.
         * @enum {string}
         */
        Status: "connecting" | "active" | "refreshing" | "expired" | "needs_reconnect" | "removing";
        /** @description An account's identity: the issuer (or provider) and its name for the account. */
        Subject: {
            /** @description Issuer URL, or the provider's id where there is no issuer. */
            issuer: string;
            /** @description `sub`, or the provider's own stable account id. */
            sub: string;
        };
        /**
         * @description How a connection was tested.
         * @enum {string}
         */
        TestMethod: "userinfo" | "stored";
        /**
         * @description Reply to `test`: the provider was asked who this is, with a fresh token. A token that it refuses is
         *     refreshed first. A connection that does not work answers with the error that says why.
         */
        TestResponse: {
            /** @description The account that it named. */
            account?: string | null;
            /** @description The connection, as it is after the test. */
            connection: components["schemas"]["ConnectionView"];
            /**
             * Format: int64
             * @description How long the answer took.
             */
            elapsed_ms: number;
            /** @description The host that answered. */
            host?: string | null;
            /** @description How it was tested. */
            method: components["schemas"]["TestMethod"];
            /** @description The provider refused the token at first; a refresh brought one that it accepts. */
            refreshed?: boolean;
        };
        /**
         * @description A time of day to the minute: `22:00`.
         * @example 22:00
         */
        TimeOfDay: string;
        /** @description Body of `token` and `refresh`; an empty body is `{}`. */
        TokenRequest: {
            /**
             * Format: int64
             * @description How long the token must still live; absent: the smaller of 60 s and 20 % of its lifetime.
             * @default null
             */
            min_valid_seconds?: number | null;
            /**
             * @description It may have no scopes but `scopes`: a token with fewer scopes than the connection has is asked for,
             *     or, where the provider issues none, `not_configured` is the answer.
             * @default false
             */
            only_scopes?: boolean;
            /**
             * @description The API it is for (RFC 8707).
             * @default null
             */
            resource?: string | null;
            /**
             * @description Scopes that it must have; those that are not granted are an `insufficient_scope`.
             * @default null
             */
            scopes?: string[] | null;
            /**
             * Format: int64
             * @description How long the person may take to allow it, up to 60; absent: until the question was shown for a
             *     minute, in its turn. 0 asks nobody: it is listed under Access.
             * @default null
             */
            wait_seconds?: number | null;
        };
        /** @description Reply to `token`, and to `refresh`, which never answers from the cache. */
        TokenResponse: {
            /** @description The token. */
            access_token: string;
            /** @description The account, as the provider names it. */
            account?: string | null;
            api_auth?: components["schemas"]["ApiAuth"] | null;
            /** @description The connection's name. */
            connection: string;
            /**
             * Format: date-time
             * @description When it ends; null if no end was announced.
             */
            expires_at?: string | null;
            /**
             * Format: int64
             * @description Seconds until then.
             */
            expires_in?: number | null;
            /** @description SHA-256 of the token in hex: what `invalidate` takes. */
            fingerprint: components["schemas"]["Fingerprint"];
            /** @description Granted scopes. */
            scopes: components["schemas"]["Scopes"];
            /** @description `Bearer`, as the provider spelled it. */
            token_type: string;
        };
        /** @description An end of the agent without a stop. */
        UncleanEnd: {
            /**
             * Format: date-time
             * @description When that line was written.
             */
            at: string;
            /** @description The first line behind it. */
            line: components["schemas"]["EventId"];
        };
        /**
         * @description Why it cannot be told which program asks.
         * @enum {string}
         */
        UnknownReason: "hidden_executable" | "hidden_arguments" | "missing_script" | "ended" | "standard_input" | "no_starter";
        /**
         * @description What a program wants of a connection.
         * @enum {string}
         */
        Usage: "token" | "proxy";
        /**
         * @description What a rule decides.
         * @enum {string}
         */
        Verdict: "allow" | "deny";
        /** @description A version. */
        Version: {
            /** @description Of what. */
            name: string;
            /** @description The version. */
            version: string;
        };
        /** @description Something accepted that the person should know. */
        Warning: {
            /** @description The field, as in the JSON. */
            field: string;
            /** @description What to do. */
            hint: string;
            /** @description What is odd. */
            message: string;
            /** @description A better value for the field, to be offered. */
            offer?: string | null;
        };
        /** @description Reply to `POST window` (202): the desktop app shows its window. */
        WindowResponse: {
            /**
             * Format: int32
             * @description The process of the app.
             */
            pid: number;
        };
        /** @description A catalogue file of the person's own that is not used. */
        WrongFileView: {
            /** @description Its name in the folder `providers`. */
            file: string;
            /** @description What is wrong, with the field or the line. */
            message: string;
        };
    };
    responses: {
        /** @description An error; the status goes with its code. */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    access_approvals: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    access_answer_approval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as listed */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnswerRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalDone"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    access_show_approval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description as listed */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalDone"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    clients_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    clients_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NewClient"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientCreated"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    clients_revoke: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description UUID or name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    clients_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description UUID or name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    connections_list: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    sign_ins_begin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInRequest"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInStarted"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    connections_show: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    connections_disconnect: {
        parameters: {
            query?: {
                /** @description Where a name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
                /** @description Goes ahead although it is in use. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Disconnected"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    connections_update: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ConnectionPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    tokens_invalidate: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InvalidateRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvalidateResponse"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    tokens_refresh: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenResponse"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    connections_test: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestResponse"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    tokens_token: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID, `authenticator` or `authenticator/account` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenResponse"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    sign_ins_show: {
        parameters: {
            query?: {
                /** @description Seconds to wait for the end; at most 60. The reply comes at once when it has ended. */
                wait?: number;
            };
            header?: never;
            path: {
                /** @description `session_id` of the sign-in */
                id: components["schemas"]["SignInId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    sign_ins_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `session_id` of the sign-in */
                id: components["schemas"]["SignInId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    sign_ins_callback: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `session_id` of the sign-in */
                id: components["schemas"]["SignInId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PastedCallback"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DoctorReport"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    events_list: {
        parameters: {
            query?: {
                /** @description Only later ones, oldest first; absent: the newest. */
                after?: components["schemas"]["EventId"];
                /** @description Only earlier ones, for paging back: the newest of them. */
                before?: components["schemas"]["EventId"];
                /** @description At most so many, 1 to 1,000; absent: 100. */
                limit?: number;
                /** @description Only about this connection: id or name. */
                connection?: string;
                /** @description Where the connection's name stands; absent: `default`. */
                profile?: components["schemas"]["ProfileName"];
                /** @description Only of this kind. */
                kind?: components["schemas"]["EventKind"];
                /** @description Only of this moment or later. */
                since?: string;
                /** @description Only asked for by somebody whose text contains this: a program's path or number, a key's name. */
                actor?: string;
                /** @description Present (even without a value) or true: a stream of server-sent events instead of a list. */
                follow?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    events_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventsVerified"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_list: {
        parameters: {
            query?: {
                /** @description Only those of this profile; absent: all profiles. */
                profile?: components["schemas"]["ProfileName"];
                /** @description Absent or true: disabled ones too. */
                include_disabled?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_add: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAuthenticator"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorSaved"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_show: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path: {
                /** @description UUID or name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_remove: {
        parameters: {
            query?: {
                /** @description Where a name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
                /** @description Goes ahead although it is in use. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description UUID or name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorRemoved"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_update: {
        parameters: {
            query?: {
                /** @description Where a name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
                /** @description Goes ahead although it is in use. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description UUID or name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["AuthenticatorPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorSaved"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_discover: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiscoverRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Discovered"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            408: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_export: {
        parameters: {
            query?: {
                /** @description In a list: only this profile. With a name: where the name stands (absent: `default`). */
                profile?: components["schemas"]["ProfileName"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ExportRequest"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuthenticatorExport"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            408: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            502: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    authenticators_providers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_pause: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentStatus"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_resume: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentStatus"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    access_rules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    access_remove_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description UUID */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    access_confirm_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description UUID */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_change_settings: {
        parameters: {
            query?: {
                /** @description Changes the port although client keys are used at the old one. */
                force?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SettingsPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            408: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_shutdown: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShutdownResponse"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentStatus"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
    agent_window: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WindowResponse"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            429: components["responses"]["Error"];
            500: components["responses"]["Error"];
            503: components["responses"]["Error"];
        };
    };
}
