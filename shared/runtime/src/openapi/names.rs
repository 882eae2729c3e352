/// Describes texts that are one of some names. The names come from the domain, which knows no OpenAPI:
/// `Type as "SchemaName" = names;`. Fields take the type with `#[schema(value_type = Type)]`.
#[macro_export]
macro_rules! schema_of_names {
    ($(#[doc = $line:literal] $visibility:vis $type:ident as $name:literal = $names:expr;)*) => {$(
        #[doc = $line]
        $visibility struct $type;

        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some($line.trim()))
                    .enum_values(Some($names))
                    .into()
            }
        }

        impl utoipa::ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    )*};
}
