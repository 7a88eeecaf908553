// Short names for what `schema.d.ts` describes.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Approval = Schemas["ApprovalView"];
export type AgentStatus = Schemas["AgentStatus"];
export type Authenticator = Schemas["AuthenticatorView"];
export type AuthenticatorPatch = Schemas["AuthenticatorPatch"];
export type AuthenticatorSaved = Schemas["AuthenticatorSaved"];
export type Check = Schemas["Check"];
export type ClientCreated = Schemas["ClientCreated"];
export type ClientKey = Schemas["ClientView"];
export type Connection = Schemas["ConnectionView"];
export type Discovered = Schemas["Discovered"];
export type Disconnected = Schemas["Disconnected"];
export type DoctorReport = Schemas["DoctorReport"];
export type DevicePrompt = Schemas["DevicePrompt"];
export type FailedSignIn = Schemas["FailedSignIn"];
export type InUse = Schemas["InUse"];
export type KeepWarm = Schemas["KeepWarm"];
export type NewAuthenticator = Schemas["NewAuthenticator"];
export type NotificationsPatch = Schemas["NotificationsPatch"];
export type Policy = Schemas["Policy"];
export type Problem = Schemas["Problem"];
export type Program = Schemas["ProgramView"];
export type Provider = Schemas["ProviderView"];
export type Question = Schemas["QuestionView"];
export type Rule = Schemas["RuleView"];
export type Settings = Schemas["Settings"];
export type SettingsPatch = Schemas["SettingsPatch"];
export type SignIn = Schemas["SignInView"];
export type SignInStarted = Schemas["SignInStarted"];
export type Warning = Schemas["Warning"];
export type ErrorBody = Schemas["ErrorBody"];
export type ApiError = Schemas["ApiError"];

export type EventKind = Schemas["EventKind"];

export type Actor = Schemas["Actor"];

/** One line of the audit log. A newer agent may send other kinds. */
export type LogEvent = Omit<Schemas["EventView"], "kind"> & { kind: EventKind | (string & {}) };
